/* intel-ipsec-mb as a few plain functions: its interface is made of macros over a structure that changes with each version. */

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
};

/* One packet; src/srtp/ipsec_mb.rs has the same. */
struct packet {
    const struct keys *keys;
    uint8_t *octets;
    uint32_t header;
    uint32_t payload;
    uint8_t iv[16];
    /* HMAC-SHA1 may write all of its 20. */
    uint8_t tag[32];
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

struct keys *ringfence_mb_keys(IMB_MGR *mgr, const uint8_t key[16], const uint8_t auth[20])
{
    struct keys *keys = NULL;
    DECLARE_ALIGNED(uint8_t decrypt[16 * 15], 16);
    if (posix_memalign((void **) &keys, 64, sizeof *keys) != 0)
        return NULL;
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

/* Encrypts or decrypts in place and puts the tags into the packets. 0 if the library did as it should. */
int ringfence_mb_burst(IMB_MGR *mgr, struct packet *packets, uint32_t count, int gcm, int encrypt)
{
    IMB_JOB *jobs[MOST_JOBS];
    uint32_t done = 0;
    if (count > MOST_JOBS)
        return -1;
    while (IMB_GET_NEXT_BURST(mgr, count, jobs) < count)
        done += IMB_FLUSH_BURST(mgr, count, jobs);
    for (uint32_t i = 0; i < count; i++) {
        struct packet *packet = &packets[i];
        IMB_JOB *job = jobs[i];
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
    return imb_get_errno(mgr);
}
