//! Random trees over random targets full of links: nothing is ever made behind a link or outside, and a second run plans
//! nothing. The model's `apply` asserts the former.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use model::names;
use proptest::prelude::*;

const TO: &str = "(/t/|/|)(\\.\\./){0,2}(a|b|c|a/b|b/c|\\.)";

fn node() -> impl Strategy<Value = Node> {
    prop_oneof![
        (0..2u32, 0o700..0o702u32).prop_map(|(id, mode)| Node::directory(id, id, mode)),
        (0..2u32, 0o600..0o602u32, "[xy]")
            .prop_map(|(id, mode, text)| Node::file(id, id, mode, &text)),
        TO.prop_map(|to| Node::Link(to.into())),
        Just(Node::Special),
    ]
}

/// A target in which only directories have something in them.
fn target(root: &'static str) -> impl Strategy<Value = Model> {
    let paths = proptest::collection::btree_map("[abc](/[abc]){0,2}", node(), 0..8);
    paths.prop_map(move |nodes| {
        let mut model = Model::new(root);
        for (path, node) in nodes {
            let path = Path::new(&path);
            let is_directory =
                |path: &Path| matches!(model.nodes.get(path), Some(Node::Directory(_)));
            if path.ancestors().skip(1).all(is_directory) {
                model.nodes.insert(path.to_owned(), node);
            }
        }
        model
    })
}

fn tree() -> impl Strategy<Value = model::Texts> {
    let folders = proptest::collection::btree_set("[abc](/[abc])?", 0..5);
    let file = (
        proptest::option::of(any::<proptest::sample::Index>()),
        "[abc](~x|~y|)?",
        prop_oneof![
            "60[0-1] [xy]".boxed(),
            TO.prop_map(|to| format!("-> {to}")).boxed()
        ],
    );
    let files = proptest::collection::vec(file, 0..6);
    let line = "/[abc](/[abc])?(~x|~y|) 06[0-3]0 (root|games|new|7) (root|fresh|7)";
    let metadata = proptest::collection::vec(line, 0..5);
    (folders, files, metadata).prop_map(|(folders, files, metadata)| {
        let parents: Vec<String> = folders
            .iter()
            .filter(|path| !path.contains('/') || folders.contains(&path[..1]))
            .cloned()
            .collect();
        let with_mode: Vec<String> = parents.iter().map(|path| format!("{path} 755")).collect();
        let with_mode: Vec<&str> = with_mode.iter().map(String::as_str).collect();
        let mut texts = Vec::new();
        for (folder, name, rest) in files {
            let path = match folder {
                Some(index) if !parents.is_empty() => format!("{}/{name}", index.get(&parents)),
                _ => name,
            };
            // In a real tree a name is a file or a directory.
            if !parents.contains(&path) {
                texts.push(format!("{path} {rest}"));
            }
        }
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        source(&with_mode, &texts, Some(&metadata.join("\n")))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_second_run_plans_nothing(mut model in target("/t"), source in tree()) {
        prop_assert!(!names(&source.source).is_empty());
        let Ok(plan) = model.plan(&source, "x") else {
            return Ok(());
        };
        model.apply(&plan);
        let again = model.plan(&source, "x").unwrap();
        prop_assert!(again.is_empty(), "{:?}", again);
    }

    #[test]
    fn on_a_whole_machine_too(mut model in target("/"), source in tree()) {
        let Ok(plan) = model.plan(&source, "y x") else {
            return Ok(());
        };
        model.apply(&plan);
        prop_assert!(model.plan(&source, "y x").unwrap().is_empty());
    }
}
