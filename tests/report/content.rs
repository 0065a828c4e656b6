//! What a report holds, whatever the data.

use std::collections::BTreeSet;

use attentionae_sc::report::MOST_BYTES;

use crate::{page::Page, simulated::Simulated};

fn report(simulated: &Simulated) -> Page {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("report/x.html");
    simulated.write(&path);
    Page::open(&path)
}

#[test]
fn a_large_data_set_is_sampled_and_no_cluster_lost() {
    let page = report(&Simulated {
        n_cells: 120_000,
        n_clusters: 14,
        is_full: true,
    });
    assert!(page.html.len() <= MOST_BYTES, "{} bytes", page.html.len());
    assert_eq!(page.data["cells"]["n"], 50_000);
    let tips = page.shorts("/cells/tips");
    assert_eq!(
        (tips.len(), page.shorts("/cells/x").len()),
        (50_000, 50_000)
    );
    let drawn: BTreeSet<usize> = tips.iter().copied().collect();
    assert_eq!(drawn, (0..28).collect());
    // All 15 cells of the smallest cluster are on the map, on top.
    let last = [26, 27];
    assert_eq!(tips.iter().filter(|tip| last.contains(tip)).count(), 15);
    assert!(tips[49_000..].iter().any(|tip| last.contains(tip)));
    let nodes = page.data["tree"]["nodes"].as_array().expect("nodes");
    assert_eq!(nodes[54]["cells"], 120_000);
    assert!(page.html.contains("50,000 of the 120,000 cells"));
}

#[test]
fn no_name_is_taken_for_markup() {
    let page = report(&Simulated {
        n_cells: 300,
        n_clusters: 5,
        is_full: true,
    });
    // Style, data and script are elements of the template; nothing else may open one.
    for (tag, n) in [
        ("<script", 2),
        ("</script", 2),
        ("<style", 1),
        ("<img", 0),
        ("<link", 1),
        ("<meta", 4),
    ] {
        assert_eq!(page.html.matches(tag).count(), n, "{tag}");
    }
    assert!(
        page.html.contains(
            "<h1>&lt;script&gt;document.title=&#x27;broken&#x27;&lt;&#x2f;script&gt;</h1>"
        )
    );
    // The data hold the names as they are.
    let columns = page.data["cells"]["columns"].as_array().expect("columns");
    let titles: Vec<&str> = columns
        .iter()
        .filter_map(|column| column["title"].as_str())
        .collect();
    assert_eq!(titles, ["True label", crate::simulated::HOSTILE[1]]);
    let names = String::from_utf8(page.bytes("/cells/names")).expect("text");
    assert_eq!(names.lines().count(), 300);
}

#[test]
fn the_policy_allows_the_script_of_the_page_only() {
    let page = report(&Simulated {
        n_cells: 100,
        n_clusters: 3,
        is_full: false,
    });
    let policy = page
        .html
        .split("Content-Security-Policy\" content=\"")
        .nth(1)
        .expect("a policy");
    let policy = policy
        .split('"')
        .next()
        .expect("its end")
        .replace("&#x27;", "'");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    assert!(
        !policy.contains("unsafe") && !policy.contains("http"),
        "{policy}"
    );
    for fetching in ["@import", "url(", "fetch(", "XMLHttpRequest", "import("] {
        assert!(!page.html.contains(fetching), "{fetching}");
    }
}

#[test]
fn one_cluster_without_tree_and_labels_has_a_report() {
    let page = report(&Simulated {
        n_cells: 60,
        n_clusters: 1,
        is_full: false,
    });
    assert!(
        page.html
            .contains("60 cells fall into\n      <strong>1 cluster</strong>")
    );
    assert!(page.html.contains("without a tree"));
    assert!(!page.html.contains("Agreement with the true labels"));
    assert_eq!(page.data["tree"], serde_json::Value::Null);
    assert_eq!(page.data["genes"], serde_json::json!([]));
}

#[test]
fn many_clusters_fit_too() {
    let page = report(&Simulated {
        n_cells: 60_000,
        n_clusters: 300,
        is_full: true,
    });
    assert!(page.html.len() <= MOST_BYTES, "{} bytes", page.html.len());
    let clusters = page.data["clusters"].as_array().expect("clusters").len();
    assert_eq!(clusters, 300);
    assert!(page.html.contains("100 smaller clusters are not listed"));
}
