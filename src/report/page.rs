//! The page: template, style, script and data in one file.

use base64::{Engine, engine::general_purpose::STANDARD};
use minijinja::{AutoEscape, Environment, Value, context, value::Serde};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{
    ReportError, cells::Cells, clusters::ClusterTable, curves::Chart, dots::DotPlot,
    expression::PackedGene, facts::Facts, tree::PageTree, truth::Agreement,
};

/// What every page is made from: the template that others extend, and parts that several include.
const PARTS: [(&str, &str); 5] = [
    ("page.html", include_str!("assets/page.html")),
    ("stages.html", include_str!("assets/stages.html")),
    ("map.html", include_str!("assets/map.html")),
    ("agreement.html", include_str!("assets/agreement.html")),
    ("end.html", include_str!("assets/end.html")),
];
const STYLE: &str = concat!(
    include_str!("assets/base.css"),
    include_str!("assets/report.css")
);

/// The script of a page with a map: what all of these share, then parts of its own, and the start.
macro_rules! script_with {
    ($($part:literal),*) => {
        concat!(
            "'use strict';\n",
            include_str!("assets/data.js"),
            include_str!("assets/cut.js"),
            include_str!("assets/colour.js"),
            include_str!("assets/raster.js"),
            include_str!("assets/map.js"),
            include_str!("assets/pointer.js"),
            include_str!("assets/legend.js"),
            $(include_str!($part),)*
            include_str!("assets/page.js"),
        )
    };
}

/// A template and its script.
#[derive(Debug)]
pub(super) struct Kind {
    template: &'static str,
    script: &'static str,
}

/// The report of a run.
const RUN: Kind = Kind {
    template: include_str!("assets/report.html"),
    script: script_with!(
        "assets/tree.js",
        "assets/evidence.js",
        "assets/dots.js",
        "assets/charts.js"
    ),
};

/// The report of new cells.
pub(super) const NEW_CELLS: Kind = Kind {
    template: include_str!("assets/new_cells.html"),
    script: script_with!("assets/new_cells.js"),
};

/// What the template shows as text.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    pub facts: Facts,
    pub table: ClusterTable,
    pub agreement: Option<Agreement>,
    pub notes: Vec<String>,
    pub stages: Vec<[String; 3]>,
    pub version: &'static str,
    /// What the script draws.
    #[serde(skip)]
    pub data: Data,
}

/// What the script draws.
#[derive(Debug, Serialize)]
pub(super) struct Data {
    pub cells: Cells,
    /// Cells of every cluster.
    pub clusters: Vec<usize>,
    pub tree: Option<PageTree>,
    pub colors: Vec<String>,
    pub genes: Vec<PackedGene>,
    pub dots: DotPlot,
    pub charts: Vec<Chart>,
}

impl Page {
    /// The whole page.
    pub(super) fn render(&self) -> Result<String, ReportError> {
        render_with(&RUN, &self.data, self)
    }
}

/// A page with a map.
pub(super) fn render_with(
    kind: &Kind,
    data: &impl Serialize,
    page: &impl Serialize,
) -> Result<String, ReportError> {
    let data = in_script(&serde_json::to_string(data)?);
    render(kind.template, STYLE, Some((kind.script, &data)), page)
}

/// A page from its template, style, script with its data, and what it shows; its policy allows this style and this script
/// only.
pub(super) fn render(
    template: &str,
    style: &str,
    script: Option<(&str, &str)>,
    page: impl Serialize,
) -> Result<String, ReportError> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    for (name, part) in PARTS {
        environment.add_template(name, part)?;
    }
    let (script, data) = script.unwrap_or_default();
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'",
        sha256(style),
        sha256(script)
    );
    let page = Value::from(Serde(page));
    let page = context! { page, style, script, data, policy };
    Ok(environment.render_str(template, page)?)
}

fn sha256(text: &str) -> String {
    STANDARD.encode(Sha256::digest(text))
}

/// JSON that cannot end the element that holds it: `<`, which JSON has in strings only, is written as an escape.
fn in_script(json: &str) -> String {
    json.replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_ends_the_data() {
        let names = ["</script><script>alert(1)</script>", "<!--", "a\u{2028}b"];
        let json = serde_json::to_string(&names).expect("JSON");
        let safe = in_script(&json);
        assert!(!safe.contains('<'));
        assert_eq!(
            serde_json::from_str::<Vec<String>>(&safe).expect("the same"),
            names
        );
    }

    #[test]
    fn text_is_escaped_and_style_and_script_are_what_the_policy_names() {
        let page = render(
            "{{ policy|safe }}<style>{{ style|safe }}</style><script>{{ script|safe }}</script>{{ page }}",
            "a>b{}",
            Some(("1<2", "")),
            "<script>",
        );
        let page = page.expect("rendered");
        assert!(
            page.ends_with("<style>a>b{}</style><script>1<2</script>&lt;script&gt;"),
            "{page}"
        );
        // printf '1<2' | openssl dgst -sha256 -binary | base64
        assert!(
            page.contains("script-src 'sha256-yvz3BlAPEBx8LDNhxD586F06qDnnNEPwtslDBBwsUqc='"),
            "{page}"
        );
    }
}
