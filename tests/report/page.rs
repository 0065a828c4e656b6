//! A report as a reader of its file sees it.

use std::{fs, io::Read, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::read::ZlibDecoder;
use serde_json::Value;

const START: &str = r#"<script type="application/json" id="data">"#;

pub struct Page {
    pub html: String,
    pub data: Value,
}

impl Page {
    pub fn open(path: &Path) -> Self {
        let html = fs::read_to_string(path).expect("a report");
        let (_, rest) = html.split_once(START).expect("the data");
        let (json, _) = rest.split_once("</script>").expect("their end");
        let data = serde_json::from_str(json).expect("JSON");
        Self { html, data }
    }

    /// The bytes of a packed array, by its JSON pointer.
    pub fn bytes(&self, pointer: &str) -> Vec<u8> {
        let text = self.data.pointer(pointer).and_then(Value::as_str);
        let deflated = STANDARD.decode(text.expect(pointer)).expect("base64");
        let mut bytes = Vec::new();
        ZlibDecoder::new(&deflated[..])
            .read_to_end(&mut bytes)
            .expect("zlib");
        bytes
    }

    /// A packed array of 16-bit numbers.
    pub fn shorts(&self, pointer: &str) -> Vec<usize> {
        let bytes = self.bytes(pointer);
        let (pairs, rest) = bytes.as_chunks::<2>();
        assert!(rest.is_empty());
        pairs
            .iter()
            .map(|&pair| usize::from(u16::from_le_bytes(pair)))
            .collect()
    }
}
