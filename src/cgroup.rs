//! What the control groups around this process leave it of memory.
//!
//! A container or a job of a cluster has a group of its own, often within others; each may have a limit. Both forms that
//! Linux knows are read: <https://docs.kernel.org/admin-guide/cgroup-v2.html>, and `cgroup-v1/memory.html` there.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The names of one form's files.
struct Form {
    /// Where the groups of this form are mounted.
    root: &'static str,
    limit: &'static str,
    used: &'static str,
    /// In `memory.stat`: pages of files, which the kernel takes back before it refuses memory, read once or more often.
    reclaimable: [&'static str; 2],
}

const SECOND: Form = Form {
    root: "/sys/fs/cgroup",
    limit: "memory.max",
    used: "memory.current",
    reclaimable: ["inactive_file ", "active_file "],
};
const FIRST: Form = Form {
    root: "/sys/fs/cgroup/memory",
    limit: "memory.limit_in_bytes",
    used: "memory.usage_in_bytes",
    reclaimable: ["total_inactive_file ", "total_active_file "],
};

/// The least that any group around this process may still take, in bytes; `None` where none has a limit.
pub(crate) fn left_bytes() -> Option<f64> {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let groups = [(&SECOND, path(&own, "")), (&FIRST, path(&own, "memory"))];
    let left = groups.into_iter().filter_map(|(form, path)| {
        // In a container the path may be the host's, and only the root be there.
        form.least(Path::new(form.root), path.unwrap_or("/"))
    });
    left.reduce(f64::min)
}

/// The path of the group of a controller, of a line as `0::/job` or `4:memory:/job`.
fn path<'a>(own: &'a str, controller: &str) -> Option<&'a str> {
    own.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let is_it = fields.next()?.split(',').any(|name| name == controller);
        is_it.then(|| fields.next())?
    })
}

impl Form {
    /// Over the group at `path` below `root` and all that it lies in.
    fn least(&self, root: &Path, path: &str) -> Option<f64> {
        let mut group: PathBuf = root.join(path.trim_start_matches('/'));
        let mut least = None;
        while group.starts_with(root) {
            least = [least, self.left(&group)]
                .into_iter()
                .flatten()
                .reduce(f64::min);
            if !group.pop() {
                break;
            }
        }
        least
    }

    /// In one group.
    fn left(&self, group: &Path) -> Option<f64> {
        let read = |name: &str| fs::read_to_string(group.join(name)).ok();
        let bytes = |text: &str| text.trim().parse::<f64>().ok();
        let (limit, used) = (bytes(&read(self.limit)?)?, bytes(&read(self.used)?)?);
        let stat = read("memory.stat").unwrap_or_default();
        let pages = |line| {
            let mut names = self.reclaimable.into_iter();
            names.find_map(|name| str::strip_prefix(line, name))
        };
        let reclaimable: f64 = stat.lines().filter_map(pages).filter_map(bytes).sum();
        Some((limit - used + reclaimable).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(root: &Path, path: &str, files: &[(&str, &str)]) {
        let folder = root.join(path);
        fs::create_dir_all(&folder).expect("a folder");
        for (name, text) in files {
            fs::write(folder.join(name), text).expect("a file");
        }
    }

    #[test]
    fn the_narrowest_of_nested_groups_counts() {
        let root = tempfile::tempdir().expect("a folder");
        group(root.path(), "", &[("memory.current", "900\n")]);
        group(
            root.path(),
            "slurm",
            &[("memory.max", "1000\n"), ("memory.current", "600\n")],
        );
        group(
            root.path(),
            "slurm/job",
            &[("memory.max", "max\n"), ("memory.current", "500\n")],
        );
        group(
            root.path(),
            "wide",
            &[("memory.max", "9000\n"), ("memory.current", "1\n")],
        );
        assert_eq!(SECOND.least(root.path(), "/slurm/job"), Some(400.0));
        assert_eq!(SECOND.least(root.path(), "/slurm/job/gone"), Some(400.0));
        assert_eq!(SECOND.least(root.path(), "/wide"), Some(8999.0));
        assert_eq!(SECOND.least(root.path(), "/"), None);
    }

    #[test]
    fn files_in_the_cache_are_given_back() {
        // Pages that only the group itself has, or that are not of files, do not count.
        let first =
            "active_file 1\ntotal_active_file 100\ntotal_inactive_file 250\ntotal_active_anon 9\n";
        let second = "active_anon 9\ninactive_file 250\nactive_file 100\n";
        for (form, stat) in [(FIRST, first), (SECOND, second)] {
            let root = tempfile::tempdir().expect("a folder");
            let files = [
                (form.limit, "1000"),
                (form.used, "1000"),
                ("memory.stat", stat),
            ];
            group(root.path(), "", &files);
            assert_eq!(form.least(root.path(), "/"), Some(350.0));
        }
    }

    #[test]
    fn both_forms_name_the_group() {
        assert_eq!(path("0::/user.slice/a\n", ""), Some("/user.slice/a"));
        let first = "5:cpu,cpuacct:/x\n4:memory:/slurm/job_1:2\n1:name=systemd:/\n";
        assert_eq!(path(first, "memory"), Some("/slurm/job_1:2"));
        assert_eq!(path(first, ""), None);
    }
}
