//! What is in the image, and under which licence: SPDX 2.3 as JSON.

use std::fs;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::layout::Release;
use crate::tool::{run, tool};
use crate::tree::Tree;

/// Lists Debian's packages of the tree and the crates of our programs.
pub fn write(tree: &Tree, release: &Release) -> Result<()> {
    let mut packages = debian(tree)?;
    packages.extend(crates()?);
    let document = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": format!("ringfence appliance {}", release.version),
        "documentNamespace": format!("urn:uuid:{}", release.uuid("sbom")),
        "creationInfo": { "created": date(release)?, "creators": ["Tool: ringfence-image"] },
        "packages": packages,
    });
    let file = tree.sbom();
    fs::create_dir_all(file.parent().expect("it lies in a directory")).context("cannot make it")?;
    let text = serde_json::to_string_pretty(&document).context("the list is not JSON")?;
    fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
}

fn debian(tree: &Tree) -> Result<Vec<Value>> {
    let mut query = tool("dpkg-query");
    query.arg("--admindir").arg(tree.root().join("var/lib/dpkg"));
    let listed = run(query.args(["--show", "--showformat=${Package} ${Version}\n"]))?;
    let package = |line: &str| {
        let (name, version) = line.split_once(' ')?;
        // The words of the licence lie in the image.
        Some(entry("deb", name, version, "NOASSERTION", format!("/usr/share/doc/{name}/copyright")))
    };
    Ok(listed.lines().filter_map(package).collect())
}

fn crates() -> Result<Vec<Value>> {
    let metadata = run(tool("cargo").args(["metadata", "--format-version=1", "--locked"]))?;
    let metadata: Value = serde_json::from_str(&metadata).context("cargo's metadata")?;
    let packages = metadata["packages"].as_array().context("cargo lists no packages")?;
    let text = |package: &Value, key: &str| package[key].as_str().unwrap_or_default().to_owned();
    let mut all: Vec<_> = packages
        .iter()
        .map(|it| (text(it, "name"), text(it, "version"), text(it, "license")))
        .collect();
    all.sort();
    let licence = |words: String| {
        if words.is_empty() { "NOASSERTION".to_owned() } else { words.replace('/', " OR ") }
    };
    Ok(all
        .into_iter()
        .map(|(name, version, words)| {
            entry("cargo", &name, &version, &licence(words), String::from("crates.io"))
        })
        .collect())
}

fn entry(kind: &str, name: &str, version: &str, licence: &str, comment: String) -> Value {
    let id: String = format!("{kind}-{name}-{version}")
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' })
        .collect();
    json!({
        "SPDXID": format!("SPDXRef-{id}"),
        "name": name,
        "versionInfo": version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "licenseConcluded": licence,
        "licenseDeclared": licence,
        "copyrightText": "NOASSERTION",
        "comment": comment,
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": format!("pkg:{kind}/{name}@{version}"),
        }],
    })
}

fn date(release: &Release) -> Result<String> {
    let date = run(tool("date")
        .args(["--utc", "--date"])
        .arg(format!("@{}", release.epoch))
        .arg("+%FT%TZ"))?;
    Ok(date.trim().to_owned())
}
