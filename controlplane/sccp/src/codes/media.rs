//! Media streams.

use super::codes;

codes! {
    /// How speech is coded.
    Codec(u32) {
        2 G711_ALAW_64K "G.711-A-law"
        3 G711_ALAW_56K "G.711-A-law-56k"
        4 G711_ULAW_64K "G.711-µ-law"
        5 G711_ULAW_56K "G.711-µ-law-56k"
        6 G722_64K "G.722"
        7 G722_56K "G.722-56k"
        8 G722_48K "G.722-48k"
        9 G723_1 "G.723.1"
        10 G728 "G.728"
        11 G729 "G.729"
        12 G729A "G.729A"
        15 G729B "G.729B"
        16 G729AB "G.729AB"
        18 GSM_FR "GSM-FR"
        19 GSM_HR "GSM-HR"
        20 GSM_EFR "GSM-EFR"
        25 WIDEBAND_256K "wideband-256k"
        32 DATA_64K "data-64k"
        33 DATA_56K "data-56k"
        40 G722_1_32K "G.722.1-32k"
        41 G722_1_24K "G.722.1-24k"
        80 GSM "GSM"
        82 G726_32K "G.726-32k"
        83 G726_24K "G.726-24k"
        84 G726_16K "G.726-16k"
        86 ILBC "iLBC"
        89 ISAC "iSAC"
        97 AMR "AMR"
        98 AMR_WB "AMR-WB"
        100 H261 "H.261"
        101 H263 "H.263"
        102 VIEO "Vieo"
        103 H264 "H.264"
        107 T38 "T.38"
        257 RFC2833 "RFC2833"
        258 PASS_THROUGH "pass-through"
    }

    /// Whether a media channel could be opened.
    MediaStatus(u32) {
        0 OK "ok"
        1 UNKNOWN_ERROR "unknown-error"
        2 NO_CHANNELS "no-channels"
        3 CODEC_TOO_COMPLEX "codec-too-complex"
        4 INVALID_PARTY_ID "invalid-party-id"
        5 INVALID_CALL_REF "invalid-call-reference"
        6 INVALID_CODEC "invalid-codec"
        7 INVALID_PACKET_SIZE "invalid-packet-size"
        8 NO_SOCKETS "no-sockets"
        9 ENCRYPTION_FAILED "encryption-failed"
        10 INVALID_PAYLOAD "invalid-dynamic-payload"
        11 ADDRESS_TYPE_UNAVAILABLE "address-type-unavailable"
        255 ON_HOOK "on-hook"
    }

    /// How a media stream is encrypted. Telephones of the 79xx family know the first.
    SrtpAlgorithm(u32) {
        0 NONE "none"
        1 AES_CM_128_HMAC_SHA1_32 "AES_CM_128_HMAC_SHA1_32"
        2 AES_CM_128_HMAC_SHA1_80 "AES_CM_128_HMAC_SHA1_80"
        3 F8_128_HMAC_SHA1_32 "F8_128_HMAC_SHA1_32"
        4 F8_128_HMAC_SHA1_80 "F8_128_HMAC_SHA1_80"
        5 AEAD_AES_128_GCM "AEAD_AES_128_GCM"
        6 AEAD_AES_256_GCM "AEAD_AES_256_GCM"
    }

    /// What happens to a port when its stream ends.
    PortHandling(u32) {
        0 CLOSE "close"
        1 KEEP "keep"
    }

    /// What happens to counters once they were told.
    ProcessingMode(u32) {
        0 CLEAR "clear"
        1 KEEP "keep"
    }
}
