//! The certificate room of the core: what is found in ACM and IAM, and how many calls that takes.

use crate::support::cloud::Cloud;
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::zone::calls;
use asiaq_core::certificate::{self, Certificates, Wanted};
use aws_sdk_acm::primitives::Blob;

/// Prints a key of an elliptic curve and a certificate of its own for the given name.
const MAKE_CERTIFICATE: &str = r#"
import datetime, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
key = ec.generate_private_key(ec.SECP256R1())
name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, sys.argv[1])])
now = datetime.datetime.now(datetime.timezone.utc)
made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    .serial_number(1).not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=9))
    .add_extension(x509.SubjectAlternativeName([x509.DNSName(sys.argv[1])]), False).sign(key, hashes.SHA256()))
kind = serialization.PrivateFormat.PKCS8
print(key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption()).decode())
print(made.public_bytes(serialization.Encoding.PEM).decode())
"#;

fn wanted(name: &str, classic: bool) -> Wanted {
    Wanted {
        name: name.to_owned(),
        classic,
    }
}

/// Issued at once, since it is of a private authority; without one it waits for validation.
fn request(cloud: &Cloud, name: &str, more: &[&str], issued: bool) -> String {
    let authority = "arn:aws:acm-pca:us-west-2:123456789012:certificate-authority/a";
    let more = more.iter().map(|name| (*name).to_owned()).collect();
    let call = aws_sdk_acm::Client::new(&cloud.sdk())
        .request_certificate()
        .domain_name(name)
        .set_subject_alternative_names(Some(more).filter(|more: &Vec<String>| !more.is_empty()))
        .set_certificate_authority_arn(issued.then(|| authority.to_owned()));
    let made = cloud.wait(call.send()).expect("certificate");
    made.certificate_arn.expect("ARN")
}

/// Imports a certificate with a key of an elliptic curve.
fn import(cloud: &Cloud, name: &str) -> String {
    let settings = asiaq_local::Settings::from_env().expect("settings");
    let moto = format!("moto-{}", asiaq_local::MOTO_VERSION);
    let python = settings.cache_dir.join(moto).join("bin/python");
    let output = std::process::Command::new(python)
        .args(["-c", MAKE_CERTIFICATE, name])
        .output()
        .expect("python");
    let text = String::from_utf8(output.stdout).expect("text");
    let begin = text.find("-----BEGIN CERTIFICATE").expect("certificate");
    let (key, certificate) = text.split_at(begin);
    let call = aws_sdk_acm::Client::new(&cloud.sdk())
        .import_certificate()
        .certificate(Blob::new(certificate))
        .private_key(Blob::new(key));
    let made = cloud.wait(call.send()).expect("import");
    made.certificate_arn.expect("ARN")
}

/// A server certificate of IAM.
fn upload(cloud: &Cloud, name: &str) -> String {
    let call = aws_sdk_iam::Client::new(&cloud.sdk())
        .upload_server_certificate()
        .server_certificate_name(name)
        .certificate_body("body")
        .private_key("key");
    let made = cloud.wait(call.send()).expect("upload");
    made.server_certificate_metadata.expect("metadata").arn
}

fn find(cloud: &Cloud, proxy: &Proxy, wanted: &[Wanted]) -> Certificates {
    let aws = cloud.aws(proxy.url());
    cloud.wait(certificate::find(&aws, wanted)).unwrap()
}

fn arn(certificates: &Certificates, wanted: &Wanted) -> Option<String> {
    certificates.arn(wanted).ok().map(str::to_owned)
}

#[test]
fn acm_first_and_iam_for_the_rest() {
    let cloud = Cloud::start();
    let wild = request(&cloud, "example.com", &["*.example.com"], true);
    let exact = request(&cloud, "api-ci.example.com", &[], true);
    request(&cloud, "new.example.com", &[], false);
    let curve = import(&cloud, "ec.example.com");
    let legacy = upload(&cloud, "legacy-cert");
    let inner = upload(&cloud, "a.b.example.com");
    let table = [
        (wanted("web-ci.example.com", true), Some(&wild)),
        (wanted("api-ci.example.com", true), Some(&exact)),
        (wanted("api-ci.example.com", false), Some(&exact)),
        (wanted("new.example.com", true), Some(&wild)),
        (wanted("ec.example.com", false), Some(&curve)),
        (wanted("ec.example.com", true), Some(&wild)),
        (wanted("legacy-cert", true), Some(&legacy)),
        (wanted("a.b.example.com", false), Some(&inner)),
        (wanted("other.example.org", false), None),
    ];
    let all: Vec<Wanted> = table.iter().map(|(wanted, _)| wanted.clone()).collect();
    let proxy = Proxy::start(cloud.url(), Behaviour::new());
    let found = find(&cloud, &proxy, &all);
    for (wanted, expected) in &table {
        assert_eq!(arn(&found, wanted).as_ref(), *expected, "{wanted:?}");
    }
    let error = found.arn(&wanted("other.example.org", false)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no certificate for other.example.org in ACM (us-west-2) or IAM"
    );
    assert_eq!(proxy.count("ListCertificates"), 1);
    assert_eq!(proxy.count("DescribeCertificate"), 3, "the issued ones");
    assert_eq!(proxy.count("ListServerCertificates"), 1);

    // Nothing is left for IAM; keys that no classic balancer takes are not even listed.
    let proxy = Proxy::start(cloud.url(), Behaviour::new());
    let classic = wanted("web-ci.example.com", true);
    let found = find(&cloud, &proxy, &[classic.clone(), classic.clone()]);
    assert_eq!(arn(&found, &classic), Some(wild));
    assert_eq!(proxy.count("DescribeCertificate"), 2);
    assert_eq!(proxy.count("ListServerCertificates"), 0);

    let proxy = Proxy::start(cloud.url(), Behaviour::new());
    find(&cloud, &proxy, &[]);
    assert_eq!(calls(&proxy), [""; 0]);
}

#[test]
fn the_listing_is_paged_and_mostly_enough() {
    let cloud = Cloud::start();
    let summary = |arn: &str, names: &str, more: bool, issued: f64| {
        format!(
            r#"{{"CertificateArn": "{arn}", "DomainName": "x", "SubjectAlternativeNameSummaries": [{names}],
                "HasAdditionalSubjectAlternativeNames": {more}, "Status": "ISSUED", "KeyAlgorithm": "RSA-2048",
                "CreatedAt": 1.0, "IssuedAt": {issued}}}"#
        )
    };
    let first = summary("arn:aws:acm:1", r#""*.example.com""#, false, 10.0);
    let second = summary(
        "arn:aws:acm:2",
        r#""example.com", "*.example.com""#,
        false,
        20.0,
    );
    let third = summary("arn:aws:acm:3", r#""a.example.com""#, true, 30.0);
    let one = format!(r#"{{"NextToken": "t", "CertificateSummaryList": [{first}]}}"#);
    let two = format!(r#"{{"CertificateSummaryList": [{second}, {third}]}}"#);
    let described = r#"{"Certificate": {"CertificateArn": "arn:aws:acm:3", "SubjectAlternativeNames":
        ["a.example.com", "hidden.example.com"], "Status": "ISSUED", "KeyAlgorithm": "RSA-2048", "IssuedAt": 30.0}}"#;
    let behaviour = Behaviour::new()
        .answer_first("ListCertificates", 200, &one)
        .answer_first("ListCertificates", 200, &two)
        .answer("DescribeCertificate", 200, described);
    let proxy = Proxy::start(cloud.url(), behaviour);
    let all = [
        wanted("web.example.com", true),
        wanted("hidden.example.com", true),
    ];
    let found = find(&cloud, &proxy, &all);
    assert_eq!(arn(&found, &all[0]).as_deref(), Some("arn:aws:acm:2"));
    assert_eq!(arn(&found, &all[1]).as_deref(), Some("arn:aws:acm:3"));
    let wanted = [
        "ListCertificates",
        "ListCertificates",
        "DescribeCertificate",
    ];
    assert_eq!(calls(&proxy), wanted);
}

#[test]
fn a_service_that_cannot_be_read_is_named_if_the_certificate_is_missing() {
    let cloud = Cloud::start();
    let legacy = upload(&cloud, "web.example.com");
    request(&cloud, "api.example.com", &[], true);
    let acm_denied = r#"{"__type": "AccessDeniedException", "message": "not authorized"}"#;
    let iam_denied = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no way</Message></Error>\
                      <RequestId>r-1</RequestId></ErrorResponse>";
    let all = [
        wanted("web.example.com", true),
        wanted("api.example.com", true),
    ];

    for operation in ["ListCertificates", "DescribeCertificate"] {
        let proxy = Proxy::start(
            cloud.url(),
            Behaviour::new().answer(operation, 400, acm_denied),
        );
        let found = find(&cloud, &proxy, &all);
        assert_eq!(arn(&found, &all[0]), Some(legacy.clone()));
        let error = found.arn(&all[1]).unwrap_err().to_string();
        let start = "no certificate for api.example.com in ACM (us-west-2) or IAM; ACM could not be read: acm:";
        assert!(
            error.starts_with(start) && error.contains("AccessDeniedException: not authorized"),
            "{error}"
        );
    }

    let behaviour = Behaviour::new().answer("ListServerCertificates", 403, iam_denied);
    let proxy = Proxy::start(cloud.url(), behaviour);
    let found = find(&cloud, &proxy, &all);
    assert!(arn(&found, &all[1]).is_some());
    let error = found.arn(&all[0]).unwrap_err();
    let text = error.to_string();
    let wanted = "IAM could not be read: iam:ListServerCertificates: AccessDenied: no way";
    assert!(
        text.contains(wanted) && !text.contains("ACM could"),
        "{text}"
    );
    let hint = error.hint().unwrap();
    assert!(hint.contains("permission"), "{hint}");
}
