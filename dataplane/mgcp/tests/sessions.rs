//! Session descriptions as gateways write them, well and badly.

use ringfence_mgcp::sdp::{CryptoForm, MediaKind, Profile, SessionDescription, StreamDirection};

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd";

fn parse(text: &str) -> SessionDescription {
    SessionDescription::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn a_description_of_ios() {
    let description = parse(&format!(
        "v=0\r\no=- 18 0 IN IP4 10.0.0.1\r\ns=Cisco SDP 0\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n\
         m=audio 18000 RTP/SAVP 18 0 101\r\na=rtpmap:18 G729/8000\r\na=fmtp:18 annexb=no\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=X-sqn:0\r\n\
         a=X-cap: 1 audio RTP/AVP 100\r\na=X-cpar: a=rtpmap:100 X-NSE/8000\r\na=ptime:20\r\n\
         a=X-crypto:AES_CM_128_HMAC_SHA1_32 inline:{KEY}||\r\n"
    ));
    assert_eq!(description.session_name.as_deref(), Some("Cisco SDP 0"));
    let media = description.audio().unwrap();
    assert_eq!((media.profile.clone(), media.ptime), (Profile::Savp, Some(20)));
    let names: Vec<_> =
        media.payloads.iter().map(|c| &*c.encoding.as_ref().unwrap().name).collect();
    assert_eq!(names, ["G729", "PCMU", "telephone-event"], "0 is PCMU without being said");
    assert_eq!(media.payloads[0].fmtp.as_deref(), Some("annexb=no"));
    assert_eq!(media.crypto[0].form, CryptoForm::XCrypto);
    assert_eq!(description.rtp_address(media), Some("10.0.0.1:18000".parse().unwrap()));
    assert_eq!(media.attributes.len(), 3, "capability lines are kept apart");
}

#[test]
fn lines_may_be_missing_unknown_or_elsewhere() {
    let description = parse(
        "v=0\nm=audio 4000 RTP/AVP 8 8\nc=IN IP6 2001:db8::1\nb=AS:64\ni=x\n\
         a=rtcp:5001 IN IP6 2001:db8::2\na=sendonly\na=rtpmap:96 opus/48000/2\na=ptime:20.5\n",
    );
    let media = description.audio().unwrap();
    assert_eq!(media.payloads.len(), 1);
    assert_eq!(media.direction, Some(StreamDirection::SendOnly));
    assert_eq!(media.ptime, Some(20));
    let rtcp = description.rtcp_address(media).unwrap();
    assert_eq!(rtcp.to_string(), "[2001:db8::2]:5001");
    let fax = parse("v=0\nc=IN IP4 10.0.0.1\nm=image 5000 udptl t38\n");
    assert_eq!(fax.media[0].kind, MediaKind::Image);
    assert_eq!(fax.media[0].other_formats, ["t38".into()]);
}

#[test]
fn bad_keys_are_skipped_not_fatal() {
    let description = parse(&format!(
        "v=0\nc=IN IP4 10.0.0.1\na=crypto:9 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\n\
         m=audio 4000 RTP/SAVP 0\n\
         a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:short\n\
         a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\n\
         a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:{KEY}\n\
         a=X-crypto:AES_CM_128_HMAC_SHA1_32 inline:{KEY}\n\
         a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:{KEY} {}\n",
        "-x".repeat(150)
    ));
    let media = &description.media[0];
    let [only] = media.crypto.as_slice() else { panic!("{:?}", media.crypto) };
    assert_eq!(
        only.form,
        CryptoForm::Crypto { tag: 2 },
        "session level, twins and X- do not count"
    );
    assert_eq!(media.skipped_crypto, 2);
    let plain = parse(&format!(
        "v=0\nc=IN IP4 10.0.0.1\nm=audio 4000 RTP/AVP 0\n\
         a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\n"
    ));
    assert!(plain.media[0].crypto.is_empty());
    assert_eq!(plain.media[0].skipped_crypto, 1, "beside RTP/AVP a key means nothing");
}

#[test]
fn errors_say_whether_it_is_wrong_or_only_unsupported() {
    let code = |text: &str| match SessionDescription::parse(text) {
        Err(error) => error.code.value(),
        Ok(description) => description.audio().unwrap_err().code.value(),
    };
    let with = |line: &str| format!("v=0\nc=IN IP4 10.0.0.1\n{line}\n");
    let many = with(&"a=x\n".repeat(200));
    let long = with(&format!("s={}", "x".repeat(9000)));
    for (text, expected) in [
        ("", 509),
        ("v=1\n", 509),
        ("s=x\nv=0\n", 509),
        (&with("nonsense"), 509),
        (&with("V=0"), 509),
        (&with("v=0"), 509),
        (&with("o=one two"), 509),
        (&with("c=IN IP4"), 509),
        (&with("s=a\u{1}b"), 509),
        (&with("m=audio"), 509),
        (&with("m=audio 70000 RTP/AVP 0"), 509),
        (&with("m=audio 4000 RTP/AVP 128"), 509),
        (&with("m=audio 4000 RTP/AVP 0\na=rtcp:0"), 509),
        (&with("m=audio 4000 RTP/AVP 0\na=rtpmap:0 PCMU"), 509),
        (&with(""), 509),
        (&many, 509),
        (&long, 509),
        (&with("c=ATM X 1"), 505),
        (&with("c=IN IP5 x"), 505),
        (&with("c=IN IP4 224.1.1.1/127"), 505),
        (&with("c=IN IP4 host.example"), 505),
        (&with("m=audio 4000/4 RTP/AVP 0"), 505),
        (&with("m=audio 4000 TCP/RTP/AVP 0"), 505),
        (&with("m=video 4000 RTP/AVP 31"), 505),
    ] {
        assert_eq!(code(text), expected, "{text}");
    }
}
