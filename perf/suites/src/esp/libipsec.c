/* strongSwan's ESP in user space (libipsec), a packet at a time: what its processor does between its queues, without them, their threads and the TUN device. Its objects begin with a table of methods; the numbers are places in these tables in strongSwan 5.9. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    uint8_t *at;
    size_t len;
} chunk;

typedef struct {
    uint32_t value, mask;
} mark;

#define METHOD(object, place) (((void **)(object))[place])

enum { HOST_CLONE = 0, HOST_DESTROY = 10 };
enum { SA_CONTEXT = 9, SA_DESTROY = 16 };
enum { PACKET_DATA = 4, ESP_HEADER = 15, ESP_DECRYPT = 16, ESP_ENCRYPT = 17, ESP_PAYLOAD = 19, ESP_DESTROY = 21 };
enum { LIBRARY_PLUGINS = 15, PLUGINS_LOAD = 1 };
enum { TUNNEL = 2, ESP = 50, NOTHING = 1024 };

static void *(*host_from_string)(char *, uint16_t);
static void *(*packet_from_data)(void *, void *, chunk);
static void *(*ip_packet)(chunk);
static void *(*esp_from_payload)(void *, void *, void *);
static void *(*esp_from_packet)(void *);
static void *(*sa_create)(uint32_t, void *, void *, uint8_t, uint32_t, mark, uint32_t, void *, uint16_t, chunk, uint16_t, chunk, int, uint16_t, uint16_t, bool, bool, bool);

/* An association as both of its ends. */
struct ends {
    void *source, *destination, *outbound, *inbound;
    uint64_t limits[9];
};

static void *symbol(void *library, const char *name, bool *complete)
{
    void *found = dlsym(library, name);
    *complete = *complete && found != NULL;
    return found;
}

/* Whether everything is there. */
bool ringfence_libipsec_open(void)
{
    void *base = dlopen("/usr/lib/ipsec/libstrongswan.so.0", RTLD_NOW | RTLD_GLOBAL);
    void *ipsec = base ? dlopen("/usr/lib/ipsec/libipsec.so.0", RTLD_NOW | RTLD_GLOBAL) : NULL;
    if (ipsec == NULL)
        return false;
    bool complete = true;
    bool (*library_init)(char *, const char *) = symbol(base, "library_init", &complete);
    bool (*libipsec_init)(void) = symbol(ipsec, "libipsec_init", &complete);
    void ***library = symbol(base, "lib", &complete);
    host_from_string = symbol(base, "host_create_from_string", &complete);
    packet_from_data = symbol(base, "packet_create_from_data", &complete);
    ip_packet = symbol(ipsec, "ip_packet_create", &complete);
    esp_from_payload = symbol(ipsec, "esp_packet_create_from_payload", &complete);
    esp_from_packet = symbol(ipsec, "esp_packet_create_from_packet", &complete);
    sa_create = symbol(ipsec, "ipsec_sa_create", &complete);
    if (!complete || !library_init("", "ringfence-perf"))
        return false;
    void *plugins = (*library)[LIBRARY_PLUGINS];
    bool (*load)(void *, char *) = METHOD(plugins, PLUGINS_LOAD);
    return load(plugins, "openssl nonce random") && libipsec_init();
}

static chunk copy(const uint8_t *octets, size_t len)
{
    chunk made = {malloc(len), len};
    memcpy(made.at, octets, len);
    return made;
}

static void *clone(void *host)
{
    void *(*method)(void *) = METHOD(host, HOST_CLONE);
    return method(host);
}

static void *sa(struct ends *ends, uint16_t cipher, chunk key, uint16_t integrity, chunk integrity_key, bool inbound)
{
    return sa_create(htonl(0x1000), clone(ends->source), clone(ends->destination), ESP, 1, (mark){0, 0}, 0, ends->limits, cipher, key, integrity, integrity_key, TUNNEL, 0, 0, true, false, inbound);
}

/* IKEv2's numbers of algorithms; NULL when it cannot be done. */
struct ends *ringfence_libipsec_ends(uint16_t cipher, uint8_t *key, size_t key_len, uint16_t integrity, uint8_t *integrity_key, size_t integrity_key_len)
{
    struct ends *ends = calloc(1, sizeof *ends);
    ends->source = host_from_string("192.0.2.1", 4500);
    ends->destination = host_from_string("192.0.2.2", 4500);
    uint16_t algorithm = integrity_key_len ? integrity : NOTHING;
    chunk keys[] = {{key, key_len}, {integrity_key, integrity_key_len}};
    ends->outbound = sa(ends, cipher, keys[0], algorithm, keys[1], false);
    ends->inbound = sa(ends, cipher, keys[0], algorithm, keys[1], true);
    return ends->outbound && ends->inbound ? ends : NULL;
}

static void *context(void *sa)
{
    void *(*method)(void *) = METHOD(sa, SA_CONTEXT);
    return method(sa);
}

static void destroy(void *object, int place)
{
    void (*method)(void *) = METHOD(object, place);
    method(object);
}

/* Seals an IP packet. Its length in `sealed`, which may be NULL; 0 when it failed. */
size_t ringfence_libipsec_seal(struct ends *ends, const uint8_t *clear, size_t len, uint8_t *sealed)
{
    void *payload = ip_packet(copy(clear, len));
    if (payload == NULL)
        return 0;
    void *packet = esp_from_payload(clone(ends->source), clone(ends->destination), payload);
    int (*encrypt)(void *, void *, uint32_t) = METHOD(packet, ESP_ENCRYPT);
    size_t done = 0;
    if (encrypt(packet, context(ends->outbound), htonl(0x1000)) == 0) {
        chunk (*data)(void *) = METHOD(packet, PACKET_DATA);
        chunk result = data(packet);
        if (sealed != NULL)
            memcpy(sealed, result.at, result.len);
        done = result.len;
    }
    destroy(packet, ESP_DESTROY);
    return done;
}

/* Opens an ESP packet; whether that succeeded. */
bool ringfence_libipsec_open_packet(struct ends *ends, const uint8_t *sealed, size_t len)
{
    void *packet = esp_from_packet(packet_from_data(clone(ends->source), clone(ends->destination), copy(sealed, len)));
    bool (*header)(void *, uint32_t *) = METHOD(packet, ESP_HEADER);
    int (*decrypt)(void *, void *) = METHOD(packet, ESP_DECRYPT);
    void *(*payload)(void *) = METHOD(packet, ESP_PAYLOAD);
    uint32_t spi;
    bool done = header(packet, &spi) && decrypt(packet, context(ends->inbound)) == 0 && payload(packet) != NULL;
    destroy(packet, ESP_DESTROY);
    return done;
}

void ringfence_libipsec_free(struct ends *ends)
{
    destroy(ends->outbound, SA_DESTROY);
    destroy(ends->inbound, SA_DESTROY);
    destroy(ends->source, HOST_DESTROY);
    destroy(ends->destination, HOST_DESTROY);
    free(ends);
}
