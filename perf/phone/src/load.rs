//! Firmware manifests: the text inside a signed `.loads` file.

/// The files that a manifest lists, in order. Comments and settings are not files.
pub(crate) fn files_of(manifest: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(manifest)
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#') && !line.contains('='))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::files_of;

    #[test]
    fn both_dialects() {
        let of_7970 = b"# jar\r\njar70sccp.9-4-2ES26.sbn   \r\n\r\ncnu70.9-4-2ES26.sbn\r\n";
        assert_eq!(files_of(of_7970), ["jar70sccp.9-4-2ES26.sbn", "cnu70.9-4-2ES26.sbn"]);
        let of_7960 = b"P0030801SR02.sbn\nP0030801SR02.sb2\nLA_VERSION=PAS30831\n";
        assert_eq!(files_of(of_7960), ["P0030801SR02.sbn", "P0030801SR02.sb2"]);
    }
}
