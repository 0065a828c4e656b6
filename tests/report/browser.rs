//! Reports in headless Chromium. Without one, these tests say so and pass.

use std::path::Path;

use assert_cmd::Command;
use tempfile::TempDir;

use crate::{
    chromium::{Tab, find},
    simulated::Simulated,
    skip::skip,
};

/// Least frames a second while a map of 50,000 cells is moved.
const LEAST_FRAMES: f64 = 30.0;

/// A tab of this size; `None`, loudly, without a browser.
pub fn tab(width: u32, height: u32) -> Option<Tab> {
    let Some(chromium) = find() else {
        skip(
            "no Chromium found; install it (Debian, Ubuntu: apt install chromium), or name it in CHROMIUM",
        );
        return None;
    };
    Some(Tab::start(&chromium, width, height))
}

/// A report of hostile names, 2,000 cells in 8 clusters.
fn simulated(folder: &TempDir) -> std::path::PathBuf {
    let path = folder.path().join("x.html");
    Simulated {
        n_cells: 2000,
        n_clusters: 8,
        is_full: true,
    }
    .write(&path);
    path
}

#[test]
fn hostile_names_neither_run_nor_load_anything() {
    let Some(mut tab) = tab(1280, 900) else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    tab.open(&simulated(&folder));
    // Every choice of colour and every element with a name is drawn.
    let colours = tab.evaluate("(async () => { for (const option of $('colour').options) { change({colour: option.value}); await new Promise(requestAnimationFrame); } return $('colour').options.length; })()");
    assert!(colours.as_u64().expect("a number") > 10, "{colours}");
    tab.evaluate("showTip({clientX: $('map').getBoundingClientRect().x + 300, clientY: $('map').getBoundingClientRect().y + 300})");
    assert_ne!(tab.evaluate("document.title"), "broken");
    assert_eq!(
        tab.evaluate("document.querySelectorAll('img, script:not([type]), style').length"),
        2
    );
    assert_eq!(tab.problems(), Vec::<String>::new());
}

#[test]
fn map_tree_and_table_follow_each_other() {
    let Some(mut tab) = tab(1280, 900) else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    tab.open(&simulated(&folder));
    let chosen_rows = "[...document.querySelectorAll('#cluster-table tr.chosen')].map(row => row.dataset.cluster).join()";
    // From the table.
    tab.evaluate("document.querySelector('tr[data-cluster=\"2\"] button').click()");
    assert_eq!(tab.evaluate(chosen_rows), "2");
    assert_eq!(tab.evaluate("[...map.lit].filter(Boolean).length"), 250);
    assert_eq!(
        tab.evaluate("document.querySelectorAll('#tree [aria-pressed=\"true\"]').length"),
        1
    );
    assert_eq!(
        tab.evaluate("document.querySelectorAll('#tree .unlit').length > 5"),
        true
    );
    // From the map: a press on a cell of the largest cluster, wherever it is drawn.
    tab.evaluate(
        "change({chosen: null}); $('map').scrollIntoView({behavior: 'instant', block: 'center'})",
    );
    let place = tab.evaluate(
        "(() => { const cell = [...cells.tips.keys()].findLast(c => cells.tips[c] === 0); const box = $('map').getBoundingClientRect();
           return [box.x + (cells.x[cell] * map.view.scale + map.view.x) / map.dpr, box.y + (map.view.y - cells.y[cell] * map.view.scale) / map.dpr]; })()",
    );
    let at = |axis: usize| place[axis].as_f64().expect("a place");
    tab.click(at(0), at(1));
    assert_eq!(tab.evaluate(chosen_rows), "0");
    assert!(
        tab.evaluate("$('announce').textContent")
            .as_str()
            .expect("text")
            .starts_with("Cluster 0 is selected, 1,000 cells")
    );
    // From the tree: its strongest split parts cluster 0 from all others.
    tab.evaluate("document.querySelector('#tree [data-focus^=split] .kept').parentElement.dispatchEvent(new MouseEvent('click', {bubbles: true}))");
    assert_eq!(tab.evaluate(chosen_rows), "0,1,2,3,4,5,6,7");
    assert!(
        tab.evaluate("$('evidence').textContent")
            .as_str()
            .expect("text")
            .contains("7 genes differ at least twofold")
    );
    // By the keyboard.
    tab.evaluate("$('map').dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape'}))");
    assert_eq!(tab.evaluate(chosen_rows), "");
    assert_eq!(tab.problems(), Vec::<String>::new());
}

#[test]
fn the_slider_cuts_the_tree_elsewhere() {
    let Some(mut tab) = tab(1280, 900) else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    tab.open(&simulated(&folder));
    let colours = "(async () => { await new Promise(done => setTimeout(done, 100)); return new Set(map.colours).size; })()";
    assert_eq!(tab.evaluate("$('n-cut').textContent"), "8");
    assert_eq!(tab.evaluate(colours), 8);
    for (k, name) in [(1, "0+1+2+5 more"), (3, "0"), (16, "0a")] {
        tab.evaluate(&format!(
            "$('cut').value = {k}; $('cut').dispatchEvent(new Event('input'))"
        ));
        assert_eq!(tab.evaluate(colours), k);
        assert_eq!(tab.evaluate("cut.groups.length"), k);
        assert_eq!(
            tab.evaluate("document.querySelectorAll('#legend .entry').length"),
            k
        );
        assert_eq!(tab.evaluate("cut.groups[0].name"), name);
    }
    tab.evaluate("$('as-run').click()");
    assert_eq!(
        tab.evaluate("cut.groups.map(group => group.name).join()"),
        "0,1,2,3,4,5,6,7"
    );
    assert_eq!(tab.problems(), Vec::<String>::new());
}

#[test]
fn a_map_of_50_000_cells_moves_smoothly() {
    let Some(mut tab) = tab(1280, 900) else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.html");
    Simulated {
        n_cells: 60_000,
        n_clusters: 12,
        is_full: true,
    }
    .write(&path);
    tab.open(&path);
    assert_eq!(tab.evaluate("cells.n"), 50_000);
    tab.evaluate("$('map').scrollIntoView({behavior: 'instant', block: 'center'})");
    let frames = "(async () => {
        const canvas = $('map'), box = canvas.getBoundingClientRect();
        const send = (type, x) => canvas.dispatchEvent(new PointerEvent(type, {pointerId: 1, clientX: box.x + x, clientY: box.y + 200}));
        canvas.setPointerCapture = () => {};
        send('pointerdown', 200);
        let frames = 0;
        const start = performance.now();
        while (performance.now() - start < 1500) {
          send('pointermove', 200 + (frames % 40));
          await new Promise(requestAnimationFrame);
          frames += 1;
        }
        send('pointercancel', 200);
        return 1000 * frames / (performance.now() - start);
      })()";
    // Other work on the machine can only make it slower.
    let tries: Vec<f64> = (0..3)
        .filter_map(|_| tab.evaluate(frames).as_f64())
        .collect();
    let best = tries.iter().copied().fold(0.0, f64::max);
    eprintln!("{best:.0} frames a second with 50,000 cells");
    assert!(best >= LEAST_FRAMES, "{tries:?} frames a second");
}

#[test]
fn a_narrow_screen_needs_no_sideways_scrolling() {
    let Some(mut tab) = tab(390, 844) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    tab.open(&simulated(&folder));
    assert_eq!(tab.evaluate("document.documentElement.scrollWidth"), 390);
    assert_eq!(
        tab.evaluate("$('map').getBoundingClientRect().width > 300"),
        true
    );
}

#[test]
fn the_report_of_a_real_run_is_whole() {
    let Some(mut tab) = tab(1280, 900) else {
        return;
    };
    let output = tempfile::tempdir().expect("a folder");
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("Data/AnnData/zeisel.h5ad");
    Command::new(env!("CARGO_BIN_EXE_attentionae-sc"))
        .env("HDF5_USE_FILE_LOCKING", "FALSE")
        .args(["-training_epoch=20", "-save_report", "-quiet", "-name"])
        .arg(data)
        .arg("-output_dir")
        .arg(output.path())
        .assert()
        .success();
    tab.open(&output.path().join("report/zeisel.html"));
    assert_eq!(tab.evaluate("cells.n"), 3005);
    let n_rows = tab.evaluate("document.querySelectorAll('#cluster-table tbody tr').length");
    assert_eq!(tab.evaluate("cut.groups.length"), n_rows);
    assert_eq!(
        tab.evaluate("document.querySelectorAll('#charts svg').length"),
        3
    );
    assert_eq!(
        tab.evaluate("document.querySelectorAll('#dot-plot circle').length > 30"),
        true
    );
    // Every control has a name for screen readers.
    let unnamed = "[...document.querySelectorAll('button, select, input, [role=button], [role=img], [tabindex]')]
        .filter(node => !(node.textContent.trim() || node.getAttribute('aria-label') || (node.labels && node.labels.length))).length";
    assert_eq!(tab.evaluate(unnamed), 0);
    assert_eq!(tab.problems(), Vec::<String>::new());
}
