//! Sparse counts of very many cells in memory.

use crate::counts::Csr;

/// Raw counts, cells × genes: of each cell the genes that it detects, ascending, with their counts.
///
/// A count takes about 1.5 bytes where [`Csr`] takes 8: a gene is stored as the number of genes between it and the one
/// before, most counts are 1, and small numbers take one byte. Rows are read in order only. Every `f32` comes back as it was.
///
/// ```
/// use attentionae_sc::packed_counts::PackedCounts;
///
/// let mut counts = PackedCounts::new(2000);
/// counts.push([(3, 1.0), (1999, 250.0)]);
/// assert_eq!(counts.shape(), (1, 2000));
/// assert_eq!(counts.row(0).collect::<Vec<_>>(), [(3, 1.0), (1999, 250.0)]);
/// ```
#[derive(Debug, Clone)]
pub struct PackedCounts {
    /// Per count: twice the gap before its gene, and 1 more where its number follows.
    bytes: Vec<u8>,
    /// Where each cell's bytes begin, and where those of the last one end.
    starts: Vec<usize>,
    n_genes: usize,
}

/// The detected genes of one cell, ascending, and their counts.
#[derive(Debug, Clone)]
pub struct PackedRow<'a> {
    left: &'a [u8],
    /// The first gene that may come next.
    next_gene: u64,
}

impl PackedCounts {
    /// Of no cells, with room for so many genes.
    #[must_use]
    pub fn new(n_genes: usize) -> Self {
        Self {
            bytes: Vec::new(),
            starts: vec![0],
            n_genes,
        }
    }

    /// The same with room for so many cells and counts: 4 bytes for each count, as much as one below 16,384 takes that comes less
    /// than 8,192 genes after the one before.
    #[must_use]
    pub fn with_capacity(n_genes: usize, n_cells: usize, n_counts: usize) -> Self {
        let mut counts = Self::new(n_genes);
        counts.starts.reserve_exact(n_cells);
        counts.bytes.reserve_exact(4 * n_counts);
        counts
    }

    /// Gives up the room that is left.
    pub fn shrink_to_fit(&mut self) {
        self.bytes.shrink_to_fit();
        self.starts.shrink_to_fit();
    }

    /// Adds a cell: genes, ascending and each at most once, with their counts.
    pub fn push(&mut self, cell: impl IntoIterator<Item = (usize, f32)>) {
        let mut next_gene = 0;
        for (gene, count) in cell {
            let gap = (gene as u64 - next_gene) << 1;
            if count.to_bits() == 1.0_f32.to_bits() {
                self.push_number(gap);
            } else {
                self.push_number(gap | 1);
                self.push_number(code(count));
            }
            next_gene = gene as u64 + 1;
        }
        self.starts.push(self.bytes.len());
    }

    /// Appends a number in little-endian groups of seven bits; the highest bit of a byte says that another one follows (LEB128).
    fn push_number(&mut self, mut number: u64) {
        while number >= 1 << 7 {
            self.bytes.push(number as u8 | 1 << 7);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    /// Numbers of cells and genes.
    #[must_use]
    pub fn shape(&self) -> (usize, usize) {
        (self.starts.len() - 1, self.n_genes)
    }

    /// The counts of one cell. O(counts of the cell) time to read.
    ///
    /// # Panics
    ///
    /// If there is no such cell.
    #[must_use]
    pub fn row(&self, cell: usize) -> PackedRow<'_> {
        PackedRow {
            left: &self.bytes[self.starts[cell]..self.starts[cell + 1]],
            next_gene: 0,
        }
    }

    /// The counts of every cell, in order.
    pub fn iter_rows(&self) -> impl Iterator<Item = PackedRow<'_>> {
        (0..self.shape().0).map(|cell| self.row(cell))
    }

    /// Some cells, in this order: cells × genes.
    ///
    /// # Panics
    ///
    /// If one of them does not exist.
    #[must_use]
    pub fn unpacked(&self, cells: impl IntoIterator<Item = usize>) -> Csr {
        let mut offsets = vec![0];
        let (mut genes, mut values) = (Vec::new(), Vec::new());
        for cell in cells {
            for (gene, count) in self.row(cell) {
                genes.push(gene as u32);
                values.push(count);
            }
            offsets.push(genes.len());
        }
        Csr::new((offsets.len() - 1, self.n_genes), offsets, genes, values)
    }

    /// Some genes (ascending) of some cells, in this order: cells × these genes.
    ///
    /// # Panics
    ///
    /// If one of them does not exist.
    #[must_use]
    pub fn unpacked_genes(&self, cells: impl IntoIterator<Item = usize>, genes: &[usize]) -> Csr {
        let mut column_of = vec![None; self.n_genes];
        for (column, &gene) in genes.iter().enumerate() {
            column_of[gene] = Some(column as u32);
        }
        let mut offsets = vec![0];
        let (mut columns, mut values) = (Vec::new(), Vec::new());
        for cell in cells {
            for (gene, count) in self.row(cell) {
                if let Some(column) = column_of[gene] {
                    columns.push(column);
                    values.push(count);
                }
            }
            offsets.push(columns.len());
        }
        Csr::new((offsets.len() - 1, genes.len()), offsets, columns, values)
    }

    /// Some cells, in this order, as they are packed.
    ///
    /// # Panics
    ///
    /// If one of them does not exist.
    #[must_use]
    pub fn select(&self, cells: &[usize]) -> Self {
        let mut some = Self::new(self.n_genes);
        for &cell in cells {
            some.bytes.extend_from_slice(self.row(cell).left);
            some.starts.push(some.bytes.len());
        }
        some
    }
}

impl From<&Csr> for PackedCounts {
    fn from(counts: &Csr) -> Self {
        let mut packed = Self::new(counts.cols());
        for row in counts.outer_iterator() {
            packed.push(row.iter().map(|(gene, &count)| (gene, count)));
        }
        packed
    }
}

impl PackedRow<'_> {
    fn number(&mut self) -> Option<u64> {
        let (mut number, mut shift) = (0, 0);
        loop {
            let (&byte, left) = self.left.split_first()?;
            self.left = left;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 1 << 7 {
                return Some(number);
            }
            shift += 7;
        }
    }
}

impl Iterator for PackedRow<'_> {
    type Item = (usize, f32);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.number()?;
        let gene = self.next_gene + (entry >> 1);
        self.next_gene = gene + 1;
        let count = if entry & 1 == 0 {
            1.0
        } else {
            value(self.number()?)
        };
        Some((gene as usize, count))
    }
}

/// A whole number below 2³² as itself, any other value as its bits beyond that.
fn code(count: f32) -> u64 {
    let whole = count as u32;
    if (whole as f32).to_bits() == count.to_bits() {
        u64::from(whole)
    } else {
        (1 << 32) | u64::from(count.to_bits())
    }
}

fn value(code: u64) -> f32 {
    if code < 1 << 32 {
        code as f32
    } else {
        f32::from_bits(code as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_comes_back() {
        let values = [
            1.0,
            2.0,
            127.0,
            128.0,
            16_777_216.0,
            4_294_967_296.0,
            1e30,
            0.5,
            0.0,
            -3.0,
            f32::MAX,
        ];
        let genes = [
            0, 1, 64, 129, 130, 9000, 9001, 40_000, 40_100, 49_998, 49_999,
        ];
        let cell: Vec<(usize, f32)> = genes.into_iter().zip(values).collect();
        let mut counts = PackedCounts::with_capacity(50_000, 3, 1);
        counts.push(cell.clone());
        counts.push([]);
        counts.push([(49_999, 1.0)]);
        counts.shrink_to_fit();
        assert_eq!(counts.shape(), (3, 50_000));
        assert_eq!(counts.row(0).collect::<Vec<_>>(), cell);
        assert_eq!(counts.row(1).count(), 0);
        assert_eq!(counts.row(2).collect::<Vec<_>>(), [(49_999, 1.0)]);
    }

    #[test]
    fn cells_are_selected_in_any_order() {
        let csr = Csr::new(
            (3, 4),
            vec![0, 2, 2, 3],
            vec![0, 3, 1],
            vec![1.0, 7.0, 300.0],
        );
        let packed = PackedCounts::from(&csr);
        assert_eq!(packed.unpacked(0..3), csr);
        let of_two = Csr::new((2, 2), vec![0, 1, 2], vec![0, 1], vec![300.0, 7.0]);
        assert_eq!(packed.unpacked_genes([2, 0], &[1, 3]), of_two);
        let turned = packed.select(&[2, 0]);
        assert_eq!(turned.unpacked([1, 0]), packed.unpacked([0, 2]));
        assert_eq!(turned.iter_rows().map(Iterator::count).sum::<usize>(), 3);
    }

    #[test]
    fn most_counts_take_a_byte() {
        // A count of 1 in every twentieth gene, and every fifth of these is 3.
        let count = |place: usize| if place.is_multiple_of(5) { 3.0 } else { 1.0 };
        let mut counts = PackedCounts::new(2500);
        counts.push((0..125).map(|place| (20 * place, count(place))));
        assert_eq!(counts.bytes.len(), 125 + 25);
    }
}
