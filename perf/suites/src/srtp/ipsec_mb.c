/* intel-ipsec-mb as a few plain functions: its interface is made of macros over a structure that changes with each version. */

#include <endian.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <intel-ipsec-mb.h>

#define MOST_JOBS 64

/* Expanded keys of one SRTP session. */
struct keys {
    DECLARE_ALIGNED(uint8_t encrypt[16 * 15], 16);
    DECLARE_ALIGNED(uint8_t ipad[20], 16);
    DECLARE_ALIGNED(uint8_t opad[20], 16);
    DECLARE_ALIGNED(struct gcm_key_data gcm, 64);
    /* Big-endian, zeros behind it. */
    uint64_t salt[2];
};

/* One packet; src/srtp/ipsec_mb.rs has the same. */
struct packet {
    const struct keys *keys;
    uint8_t *octets;
    uint32_t header;
    uint32_t payload;
    uint64_t index;
    uint8_t iv[16];
    /* HMAC-SHA1 may write all of its 20. */
    uint8_t tag[32];
    uint8_t received[16];
};

IMB_MGR *ringfence_mb_new(void)
{
    IMB_MGR *mgr = alloc_mb_mgr(0);
    if (mgr != NULL)
        init_mb_mgr_auto(mgr, NULL);
    return mgr;
}

void ringfence_mb_free(IMB_MGR *mgr)
{
    free_mb_mgr(mgr);
}

/* The state of SHA-1 after a key block, RFC 2104. */
static void key_block(IMB_MGR *mgr, const uint8_t key[20], uint8_t pad, uint8_t state[20])
{
    uint8_t block[64];
    memset(block, pad, sizeof block);
    for (int i = 0; i < 20; i++)
        block[i] ^= key[i];
    IMB_SHA1_ONE_BLOCK(mgr, block, state);
}

/* RFC 3711, section 4.3: AES in counter mode; in CFB mode nothing becomes the next block of the key stream. */
static void derive(IMB_MGR *mgr, const uint8_t *expanded, const uint8_t *salt, uint32_t salt_len, uint8_t label,
                   uint8_t *out, uint32_t len)
{
    const uint8_t nothing[16] = { 0 };
    uint8_t block[16] = { 0 };
    memcpy(block, salt, salt_len);
    block[7] ^= label;
    for (uint32_t at = 0; at < len; at += 16) {
        uint8_t stream[16];
        IMB_AES128_CFB_ONE(mgr, stream, nothing, block, expanded, 16);
        memcpy(out + at, stream, len - at < 16 ? len - at : 16);
        block[15]++;
    }
}

struct keys *ringfence_mb_keys(IMB_MGR *mgr, const uint8_t master[16], const uint8_t *salt, uint32_t salt_len)
{
    struct keys *keys = NULL;
    DECLARE_ALIGNED(uint8_t expanded[16 * 15], 16);
    DECLARE_ALIGNED(uint8_t decrypt[16 * 15], 16);
    uint8_t key[16], auth[20];
    if (posix_memalign((void **) &keys, 64, sizeof *keys) != 0)
        return NULL;
    memset(keys, 0, sizeof *keys);
    IMB_AES_KEYEXP_128(mgr, master, expanded, decrypt);
    derive(mgr, expanded, salt, salt_len, 0, key, sizeof key);
    derive(mgr, expanded, salt, salt_len, 1, auth, sizeof auth);
    derive(mgr, expanded, salt, salt_len, 2, (uint8_t *) keys->salt, salt_len);
    keys->salt[0] = be64toh(keys->salt[0]);
    keys->salt[1] = be64toh(keys->salt[1]);
    IMB_AES_KEYEXP_128(mgr, key, keys->encrypt, decrypt);
    IMB_AES128_GCM_PRE(mgr, key, &keys->gcm);
    key_block(mgr, auth, 0x36, keys->ipad);
    key_block(mgr, auth, 0x5c, keys->opad);
    return keys;
}

void ringfence_mb_keys_free(struct keys *keys)
{
    free(keys);
}

static void fill_cm(IMB_JOB *job, struct packet *packet, int encrypt)
{
    job->cipher_direction = encrypt ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
    job->chain_order = encrypt ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
    job->cipher_mode = IMB_CIPHER_CNTR;
    job->hash_alg = IMB_AUTH_HMAC_SHA_1;
    job->enc_keys = packet->keys->encrypt;
    job->dec_keys = packet->keys->encrypt;
    job->iv_len_in_bytes = 16;
    job->hash_start_src_offset_in_bytes = 0;
    /* The rollover counter follows the payload. */
    job->msg_len_to_hash_in_bytes = packet->header + packet->payload + 4;
    job->auth_tag_output_len_in_bytes = 10;
    job->u.HMAC._hashed_auth_key_xor_ipad = packet->keys->ipad;
    job->u.HMAC._hashed_auth_key_xor_opad = packet->keys->opad;
}

static void fill_gcm(IMB_JOB *job, struct packet *packet, int encrypt)
{
    job->cipher_direction = encrypt ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
    job->chain_order = encrypt ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
    job->cipher_mode = IMB_CIPHER_GCM;
    job->hash_alg = IMB_AUTH_AES_GMAC;
    job->enc_keys = &packet->keys->gcm;
    job->dec_keys = &packet->keys->gcm;
    job->iv_len_in_bytes = 12;
    job->hash_start_src_offset_in_bytes = packet->header;
    job->msg_len_to_hash_in_bytes = packet->payload;
    job->auth_tag_output_len_in_bytes = 16;
    job->u.GCM.aad = packet->octets;
    job->u.GCM.aad_len_in_bytes = packet->header;
}

/* The initialization vector: salt, SSRC and behind that the index (RFC 3711, section 4.1.1; RFC 7714, section 8.1). */
static void set_iv(struct packet *packet, int gcm)
{
    uint32_t ssrc;
    uint64_t iv[2] = { packet->keys->salt[0], packet->keys->salt[1] };
    memcpy(&ssrc, packet->octets + 8, sizeof ssrc);
    ssrc = be32toh(ssrc);
    if (gcm) {
        iv[0] ^= (uint64_t) ssrc << 16 ^ packet->index >> 32;
        iv[1] ^= packet->index << 32;
    } else {
        iv[0] ^= ssrc;
        iv[1] ^= packet->index << 16;
    }
    iv[0] = htobe64(iv[0]);
    iv[1] = htobe64(iv[1]);
    memcpy(packet->iv, iv, sizeof iv);
}

/* Where the tag is in a packet, and while HMAC runs the rollover counter. */
static uint8_t *behind(struct packet *packet)
{
    return packet->octets + packet->header + packet->payload;
}

static void set_rollover_counter(struct packet *packet)
{
    const uint32_t counter = htobe32((uint32_t) (packet->index >> 16));
    memcpy(behind(packet), &counter, sizeof counter);
}

/* Protects packets in place, or verifies and decrypts them. Says how many came through, or -1. */
int ringfence_mb_burst(IMB_MGR *mgr, struct packet *packets, uint32_t count, int gcm, int encrypt)
{
    IMB_JOB *jobs[MOST_JOBS];
    const size_t tag_len = gcm ? 16 : 10;
    uint32_t done = 0;
    int good = 0;
    if (count > MOST_JOBS)
        return -1;
    while (IMB_GET_NEXT_BURST(mgr, count, jobs) < count)
        done += IMB_FLUSH_BURST(mgr, count, jobs);
    for (uint32_t i = 0; i < count; i++) {
        struct packet *packet = &packets[i];
        IMB_JOB *job = jobs[i];
        set_iv(packet, gcm);
        if (!encrypt)
            memcpy(packet->received, behind(packet), tag_len);
        if (!gcm)
            set_rollover_counter(packet);
        job->src = packet->octets;
        job->dst = packet->octets + packet->header;
        job->cipher_start_src_offset_in_bytes = packet->header;
        job->msg_len_to_cipher_in_bytes = packet->payload;
        job->key_len_in_bytes = 16;
        job->iv = packet->iv;
        job->auth_tag_output = packet->tag;
        if (gcm)
            fill_gcm(job, packet, encrypt);
        else
            fill_cm(job, packet, encrypt);
    }
    done = IMB_SUBMIT_BURST_NOCHECK(mgr, count, jobs);
    while (done < count) {
        uint32_t more = IMB_FLUSH_BURST(mgr, count - done, jobs);
        if (more == 0)
            return -1;
        done += more;
    }
    if (imb_get_errno(mgr) != 0)
        return -1;
    for (uint32_t i = 0; i < count; i++) {
        struct packet *packet = &packets[i];
        if (encrypt)
            memcpy(behind(packet), packet->tag, tag_len);
        good += encrypt || memcmp(packet->received, packet->tag, tag_len) == 0;
    }
    return good;
}
