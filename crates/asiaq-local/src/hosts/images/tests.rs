//! Layers of images, on plain directories.
#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;

struct Bed {
    root: tempfile::TempDir,
    images: Images,
}

impl Bed {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for name in ["images", "seeds", "host/etc/ssh"] {
            fs::create_dir_all(root.path().join(name)).unwrap();
        }
        let images = Images::new(root.path().join("images"), root.path().join("seeds"));
        Self { root, images }
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn layer(&self, image: &str) -> PathBuf {
        self.root.path().join("images").join(image)
    }

    /// One round, in which the host `i-1` has the layer `/below` under its files.
    fn follow(&mut self, images: &[Image], used: &[PathBuf]) {
        let source = Source {
            files: Some(self.root.path().join("host")),
            below: Below::Layers(vec!["/below".into()]),
        };
        let sources = BTreeMap::from([("i-1".to_owned(), source)]);
        let used = used.iter().cloned().collect();
        self.images.follow(images, &sources, &used);
    }

    fn layers(&mut self, image: &str) -> Vec<PathBuf> {
        self.images.layers(image).unwrap()
    }
}

fn image(id: &str, instance: Option<&str>, copy_of: Option<&str>) -> Image {
    Image {
        id: id.into(),
        instance: instance.map(str::to_owned),
        copy_of: copy_of.map(str::to_owned),
    }
}

#[test]
fn an_image_keeps_the_files_as_they_were_but_no_host_keys() {
    let mut bed = Bed::new();
    let images = [
        image("ami-0", None, None),
        image("ami-1", Some("i-1"), None),
        image("ami-2", None, Some("ami-1")),
    ];
    bed.write("host/data", "old");
    bed.write("host/etc/ssh/ssh_host_ed25519_key", "secret");
    bed.write("host/etc/ssh/other", "kept");
    bed.follow(&images[..2], &[]);
    bed.write("host/data", "new");
    bed.follow(&images, &[]);
    let (layer, below) = (bed.layer("ami-1"), PathBuf::from("/below"));
    assert!(bed.layers("ami-0").is_empty());
    assert_eq!(bed.layers("ami-1"), [layer.clone(), below.clone()]);
    assert_eq!(
        bed.layers("ami-2"),
        [layer.clone(), below],
        "a copy has the same"
    );
    assert_eq!(fs::read_to_string(layer.join("data")).unwrap(), "old");
    assert!(layer.join("etc/ssh/other").exists());
    assert!(!layer.join("etc/ssh/ssh_host_ed25519_key").exists());
}

#[test]
fn an_instance_that_never_ran_gives_what_its_image_has() {
    let mut bed = Bed::new();
    bed.write("seeds/ami-1/hello", "seed");
    let source = Source {
        files: None,
        below: Below::Image("ami-1".into()),
    };
    let sources = BTreeMap::from([("i-9".to_owned(), source)]);
    let images = [
        image("ami-1", None, None),
        image("ami-2", Some("i-9"), None),
    ];
    bed.images.follow(&images, &sources, &BTreeSet::new());
    assert_eq!(bed.layers("ami-2"), [bed.layer("ami-1")]);
}

#[test]
fn seeds_are_taken_when_first_used() {
    let mut bed = Bed::new();
    assert!(bed.layers("ami-1").is_empty());
    assert!(bed.layers("").is_empty());
    bed.write("seeds/ami-1/hello", "seed");
    let layers = bed.layers("ami-1");
    assert_eq!(layers, [bed.layer("ami-1")]);
    bed.write("seeds/ami-1/hello", "changed later");
    bed.follow(&[], &layers);
    assert_eq!(
        bed.layers("ami-1"),
        layers,
        "one in use is not copied again"
    );
    assert_eq!(fs::read_to_string(layers[0].join("hello")).unwrap(), "seed");
}

#[test]
fn a_layer_goes_with_its_last_user() {
    let mut bed = Bed::new();
    bed.write("host/data", "x");
    let images = [
        image("ami-1", Some("i-1"), None),
        image("ami-2", None, Some("ami-1")),
    ];
    bed.follow(&images, &[]);
    let layer = bed.layer("ami-1");
    bed.follow(&images[1..], &[]);
    assert!(layer.exists(), "the copy needs it");
    bed.follow(&[], std::slice::from_ref(&layer));
    assert!(layer.exists(), "a host needs it");
    bed.follow(&[], &[]);
    assert!(!layer.exists());
}

#[test]
fn content_that_cannot_be_read_is_waited_for_and_then_given_up() {
    let mut bed = Bed::new();
    let images = [
        image("ami-1", Some("i-1"), None),
        image("ami-2", None, Some("ami-1")),
    ];
    let files = bed.root.path().join("host");
    let away = bed.root.path().join("away");
    fs::rename(&files, &away).unwrap();
    bed.follow(&images, &[]);
    for id in ["ami-1", "ami-2"] {
        assert!(bed.images.layers(id).is_err() && !bed.images.is_lost(id));
    }
    fs::rename(&away, &files).unwrap();
    bed.follow(&images, &[]);
    assert_eq!(bed.layers("ami-1").len(), 2);
    assert_eq!(bed.layers("ami-1"), bed.layers("ami-2"));
    // One whose instance nobody knows.
    let images = [image("ami-3", Some("i-3"), None)];
    for _ in 0..ATTEMPTS {
        assert!(!bed.images.is_lost("ami-3"));
        bed.follow(&images, &[]);
    }
    assert!(bed.images.is_lost("ami-3") && bed.images.missing(&images).is_empty());
    assert!(bed.images.layers("ami-3").is_err());
}

#[test]
fn what_was_made_before_is_lost_unless_it_is_laid_out() {
    let mut bed = Bed::new();
    bed.write("seeds/ami-3/hello", "seed");
    let images = [
        image("ami-0", None, None),
        image("ami-1", Some("i-1"), None),
        image("ami-2", None, Some("ami-1")),
        image("ami-3", Some("i-1"), None),
    ];
    bed.images.lose(&images);
    for (id, lost) in [
        ("ami-0", false),
        ("ami-1", true),
        ("ami-2", true),
        ("ami-3", false),
    ] {
        assert_eq!(bed.images.is_lost(id), lost, "{id}");
    }
    assert!(bed.images.layers("ami-1").is_err());
    assert_eq!(bed.layers("ami-3"), [bed.layer("ami-3")]);
}
