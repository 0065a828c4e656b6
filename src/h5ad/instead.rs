//! The ends of messages: what there is instead of what was asked for.

use std::path::Path;

use crate::names::listed_columns;

/// Names above this likeness may have been meant.
const LIKE: f64 = 0.8;
/// How many files a message lists.
const MOST_LISTED: usize = 10;

/// The end of a message on a file that is not there: names like its own, else what there is.
pub(super) fn elsewhere(path: &Path, nearby: &[String]) -> String {
    let folder = match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => return String::new(),
    };
    if !folder.is_dir() {
        return format!(
            "; there is no folder {} either (-data_dir names the folder of data sets)",
            folder.display()
        );
    }
    let wanted = path
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    let likeness = |name: &String| {
        let name = name.trim_end_matches(".h5ad").to_lowercase();
        strsim::jaro_winkler(&name, &wanted)
    };
    let mut near: Vec<&String> = nearby.iter().filter(|name| likeness(name) > LIKE).collect();
    near.sort_by(|a, b| likeness(b).total_cmp(&likeness(a)));
    near.truncate(3);
    let near: Vec<&str> = near.iter().map(|name| name.as_str()).collect();
    let meant = match &near[..] {
        [] => String::new(),
        near => format!("; did you mean {}?", near.join(" or ")),
    };
    format!("{}{meant}", instead(nearby))
}

/// The end of a message that names the files there are.
pub(super) fn instead(nearby: &[String]) -> String {
    if nearby.is_empty() {
        "; its folder holds no .h5ad file".to_owned()
    } else {
        let listed: Vec<&str> = nearby
            .iter()
            .take(MOST_LISTED)
            .map(String::as_str)
            .collect();
        let more = if nearby.len() > MOST_LISTED {
            " …"
        } else {
            ""
        };
        format!("; there are: {}{more}", listed.join(", "))
    }
}

/// The end of a message that names the columns there are.
pub(super) fn instead_columns(columns: &[String]) -> String {
    if columns.is_empty() {
        ", and no other".to_owned()
    } else {
        format!("; it has: {}", listed_columns(columns))
    }
}

/// The end of a message that names the layers there are.
pub(super) fn instead_layers(layers: &[String]) -> String {
    if layers.is_empty() {
        ", and no other".to_owned()
    } else {
        format!("; there are: {}", layers.join(", "))
    }
}

/// The end of a message that names where counts are, and the option that reads them.
pub(super) fn read_instead(places: &[String]) -> String {
    let Some(first) = places.first() else {
        return "; neither X, layers nor raw holds any".to_owned();
    };
    let option = match first.strip_prefix("layers/") {
        Some(layer) if layer.contains(' ') => format!("add -layer \"{layer}\""),
        Some(layer) => format!("add -layer {layer}"),
        None if first == "X" => "leave out -layer and -use_raw".to_owned(),
        None => "add -use_raw True".to_owned(),
    };
    let verb = if places.len() == 1 { "holds" } else { "hold" };
    format!("; {} {verb} counts: {option}", places.join(" and "))
}
