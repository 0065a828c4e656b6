//! How an error is told to the user.

/// One line for what failed, and one for why, less what was already said.
///
/// ```
/// use anyhow::anyhow;
/// use attentionae_sc::failure::told;
///
/// let error = anyhow!("the disk is full").context("x.csv: cannot be written");
/// assert_eq!(told(&error), "error: x.csv: cannot be written\n  because the disk is full");
/// ```
#[must_use]
pub fn told(error: &anyhow::Error) -> String {
    let mut said = error.to_string();
    let mut causes = Vec::new();
    let first = format!("error: {said}");
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !said.contains(&cause) {
            said.push_str(&cause);
            causes.push(cause);
        }
    }
    if causes.is_empty() {
        return first;
    }
    format!("{first}\n  because {}", causes.join(": "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_not_said_again() {
        let full = || anyhow::anyhow!("the disk is full");
        let once = full().context("x.csv: the disk is full");
        assert_eq!(told(&once), "error: x.csv: the disk is full");
        let twice = full().context("the disk is full").context("x.csv");
        assert_eq!(told(&twice), "error: x.csv\n  because the disk is full");
    }
}
