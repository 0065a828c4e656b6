//! Figures as files: what is in the picture, and that nothing is cut off.

use std::{collections::BTreeSet, fs::File, io::BufReader, path::Path};

use attentionae_sc::plot::{Figure, FigureFormat, PlotError, title, write_figure};
use ndarray::Array2;

type Rgb = [u8; 3];

struct Image {
    width: usize,
    height: usize,
    pixels: Vec<Rgb>,
}

impl Image {
    fn read(path: &Path) -> Self {
        let file = BufReader::new(File::open(path).expect("the figure is there"));
        let mut reader = png::Decoder::new(file).read_info().expect("a PNG file");
        let mut bytes = vec![0; reader.output_buffer_size()];
        let info = reader.next_frame(&mut bytes).expect("an image");
        assert_eq!(info.color_type, png::ColorType::Rgb);
        Self {
            width: info.width as usize,
            height: info.height as usize,
            pixels: bytes.chunks(3).map(|p| [p[0], p[1], p[2]]).collect(),
        }
    }

    fn has_white_border(&self) -> bool {
        let is_border = |i: usize| {
            let (x, y) = (i % self.width, i / self.width);
            x < 8 || y < 8 || x + 8 >= self.width || y + 8 >= self.height
        };
        (0..self.pixels.len())
            .filter(|&i| is_border(i))
            .all(|i| self.pixels[i] == [255; 3])
    }

    /// Colours of squares of one colour, too large for strokes and text; without the ground.
    fn solid_colors(&self) -> BTreeSet<Rgb> {
        const SIDE: usize = 5;
        let rows: Vec<&[Rgb]> = self.pixels.chunks(self.width).collect();
        let is_solid = |x: usize, y: usize| {
            let block = rows[y..y + SIDE].iter().flat_map(|row| &row[x..x + SIDE]);
            block.into_iter().all(|pixel| *pixel == rows[y][x])
        };
        (0..=self.height - SIDE)
            .flat_map(|y| (0..=self.width - SIDE).map(move |x| (x, y)))
            .filter(|&(x, y)| rows[y][x] != [255; 3] && is_solid(x, y))
            .map(|(x, y)| rows[y][x])
            .collect()
    }
}

/// Cells on a grid, labels in turn.
fn cells(n: usize, n_labels: usize) -> (Array2<f32>, Vec<usize>) {
    let coords = Array2::from_shape_fn((n, 2), |(cell, axis)| {
        (if axis == 0 { cell % 20 } else { cell / 20 }) as f32
    });
    (coords, (0..n).map(|cell| cell % n_labels).collect())
}

fn draw(path: &Path, n_labels: usize, name: &str) -> Image {
    let (coords, labels) = cells(400, n_labels);
    let names: Vec<String> = (0..n_labels).map(|i| format!("{name}{i}")).collect();
    let figure = Figure {
        title: &title(name, "predicted clusters", Some(0.814)),
        coords: coords.view(),
        labels: &labels,
        names: &names,
    };
    write_figure(path, &figure, FigureFormat::Png).expect("a figure");
    Image::read(path)
}

#[test]
fn nothing_is_cut_off() {
    let folder = tempfile::tempdir().expect("a folder");
    for n_labels in [1, 7, 40, 300] {
        for name in ["T", "a name that is far too long for a legend, number "] {
            let image = draw(&folder.path().join("figure"), n_labels, name);
            assert!(image.has_white_border(), "{n_labels} {name}");
            assert_eq!(image.height, 1102);
        }
    }
}

#[test]
fn every_label_has_a_colour_in_the_picture() {
    let folder = tempfile::tempdir().expect("a folder");
    for n_labels in [1, 7, 40] {
        let image = draw(&folder.path().join("figure"), n_labels, "");
        assert_eq!(image.solid_colors().len(), n_labels);
    }
}

#[test]
fn the_same_figure_has_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let bytes = |name: &str| {
        let path = folder.path().join(name);
        draw(&path, 7, "type ");
        std::fs::read(path).expect("the figure is there")
    };
    assert_eq!(bytes("a"), bytes("b"));
}

#[test]
fn cells_without_label_are_grey_and_places_that_are_not_finite_left_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("figure.png");
    let (mut coords, mut labels) = cells(50, 2);
    labels[3] = usize::MAX;
    coords[(7, 0)] = f32::NAN;
    coords[(8, 1)] = f32::INFINITY;
    let figure = Figure {
        title: "",
        coords: coords.view(),
        labels: &labels,
        names: &["alpha".to_owned(), "beta".to_owned()],
    };
    write_figure(&path, &figure, FigureFormat::Png).expect("a figure");
    assert!(Image::read(&path).solid_colors().contains(&[211, 211, 211]));
}

#[test]
fn no_cells_make_an_empty_figure() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("figure.png");
    let coords = Array2::zeros((0, 2));
    let figure = Figure {
        title: "nothing",
        coords: coords.view(),
        labels: &[],
        names: &[],
    };
    write_figure(&path, &figure, FigureFormat::Png).expect("a figure");
    assert!(Image::read(&path).has_white_border());
}

#[test]
fn wrong_shapes_and_missing_folders_are_named() {
    let (coords, labels) = cells(10, 2);
    let names = ["a".to_owned(), "b".to_owned()];
    let figure = Figure {
        title: "t",
        coords: coords.view(),
        labels: &labels[..9],
        names: &names,
    };
    let error =
        write_figure(Path::new("unused"), &figure, FigureFormat::Png).expect_err("9 labels");
    assert_eq!(
        error.to_string(),
        "a figure of 10 cells has 9 labels: expected one per cell"
    );
    let flat = Array2::zeros((10, 3));
    let figure = Figure {
        coords: flat.view(),
        labels: &labels,
        ..figure
    };
    let error =
        write_figure(Path::new("unused"), &figure, FigureFormat::Png).expect_err("3 dimensions");
    assert!(matches!(error, PlotError::Dimensions { found: 3 }));
    let figure = Figure {
        coords: coords.view(),
        ..figure
    };
    let error = write_figure(
        Path::new("no such folder/a.png"),
        &figure,
        FigureFormat::Png,
    )
    .expect_err("no folder");
    assert!(error.to_string().starts_with("no such folder/a.png: "));
}

#[test]
fn a_title_names_the_score_where_there_is_one() {
    let what = "predicted clusters";
    assert_eq!(
        title("zeisel", what, Some(0.814)),
        "zeisel: predicted clusters, ASW 0.81"
    );
    assert_eq!(title("zeisel", what, None), "zeisel: predicted clusters");
}

#[test]
fn vector_figures_hold_text_as_text() {
    let folder = tempfile::tempdir().expect("a folder");
    let (coords, labels) = cells(100, 3);
    let names = ["beta", "<script>", "δ & γ"].map(String::from);
    let figure = Figure {
        title: "pancreas: true labels",
        coords: coords.view(),
        labels: &labels,
        names: &names,
    };
    let write = |format: FigureFormat| {
        let path = folder.path().join(format.ending());
        write_figure(&path, &figure, format).expect("a figure");
        std::fs::read(path).expect("a file")
    };
    let svg = String::from_utf8(write(FigureFormat::Svg)).expect("text");
    for text in [
        ">pancreas: true labels<",
        ">&lt;script&gt;<",
        ">δ &amp; γ<",
        ">UMAP1<",
    ] {
        assert!(svg.contains(text), "{text}");
    }
    assert_eq!(svg.matches("h0").count(), 100 + 3);
    let pdf = write(FigureFormat::Pdf);
    assert!(
        pdf.starts_with(b"%PDF-") && pdf.len() < 100_000,
        "{}",
        pdf.len()
    );
    assert_eq!(pdf, write(FigureFormat::Pdf));
}
