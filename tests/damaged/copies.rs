//! Copies of a sound file with some bytes changed.

use std::ops::Range;

use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

/// What HDF5's structures start with: tables of links, B-trees, heaps of names and of texts, object headers.
const STRUCTURES: [&[u8]; 8] = [
    b"SNOD", b"TREE", b"HEAP", b"GCOL", b"OHDR", b"FRHP", b"BTHD", b"\x89HDF",
];
/// How far behind its start a structure is aimed at.
const REACH: usize = 600;

/// A copy with one to four places changed, the same for the same seed and number. Most changes hit the structures
/// that say where the data are, not the data.
pub fn damaged(sound: &[u8], seed: u64, number: u64) -> Vec<u8> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(number);
    let structures = structures(sound);
    let mut copy = sound.to_vec();
    for _ in 0..*[1, 1, 1, 2, 4].choose(&mut random).expect("a number") {
        let place = place(&structures, sound.len(), &mut random);
        change(&mut copy, place, &structures, &mut random);
    }
    copy
}

fn structures(bytes: &[u8]) -> Vec<usize> {
    let starts = (0..bytes.len()).filter(|&start| {
        let starts_with = |name: &&[u8]| bytes[start..].starts_with(name);
        STRUCTURES.iter().any(starts_with)
    });
    starts.collect()
}

fn place(structures: &[usize], length: usize, random: &mut ChaCha8Rng) -> usize {
    if random.random_bool(0.2) {
        return random.random_range(0..length);
    }
    let start = structures.choose(random).expect("a structure");
    (start + random.random_range(0..REACH)).min(length - 1)
}

fn change(copy: &mut [u8], place: usize, structures: &[usize], random: &mut ChaCha8Rng) {
    let end = copy.len();
    let run = |length: usize| place..(place + length).min(end);
    match random.random_range(0..5) {
        0 => copy[place] = random.random(),
        1 => copy[place] ^= 1 << random.random_range(0..8),
        2 => {
            let value = *[0, 1, 255].choose(random).expect("a value");
            let length = *[1, 2, 4, 8].choose(random).expect("a length");
            copy[run(length)].fill(value);
        }
        3 => move_here(copy, run(8), random.random_range(0..end - 8)),
        _ => {
            let length = *[4, 16, 64].choose(random).expect("a length");
            let from = *structures.choose(random).expect("a structure");
            move_here(copy, run(length), from.min(end - 64));
        }
    }
}

fn move_here(copy: &mut [u8], here: Range<usize>, from: usize) {
    copy.copy_within(from..from + here.len(), here.start);
}
