/* What of DPDK is inline, a macro or a structure, behind functions of plain numbers and opaque pointers. */

#include <errno.h>
#include <string.h>

#include <rte_bus_vdev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_eth_ring.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_ring.h>

/* As `View` in ffi.rs. */
struct view {
    void *pool;
    void *buffer;
    uint32_t offset;
    uint32_t length;
    uint32_t total;
    uint32_t segments;
};

/* As `Counts` in ffi.rs. */
struct counts {
    uint64_t missed;
    uint64_t no_buffer;
    uint64_t rx_errors;
    uint64_t tx_errors;
};

int rf_eal_init(int argc, char **argv) { return rte_eal_init(argc, argv) < 0 ? -rte_errno : 0; }

int rf_vdev_init(const char *name, const char *arguments) { return rte_vdev_init(name, arguments); }

int rf_vdev_uninit(const char *name) { return rte_vdev_uninit(name); }

int rf_port_by_name(const char *name, uint16_t *port) {
    return rte_eth_dev_get_port_by_name(name, port);
}

/* Two ports of which each receives what the other one sends. */
int rf_ring_pair(const char *near, const char *far, unsigned size, uint16_t ports[2]) {
    char name[RTE_RING_NAMESIZE];
    struct rte_ring *rings[2];
    const char *names[2] = {near, far};
    for (int i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "%s_rx", names[i]);
        rings[i] = rte_ring_create(name, size, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
        if (rings[i] == NULL) return -rte_errno;
    }
    for (int i = 0; i < 2; i++) {
        int port = rte_eth_from_rings(names[i], &rings[i], 1, &rings[1 - i], 1, rte_socket_id());
        if (port < 0) return -rte_errno;
        ports[i] = port;
    }
    return 0;
}

/* A pool whose packets lie in memory of ours: buffer k at `base + k * chunk`. */
struct rte_mempool *rf_pool_over(const char *name, void *base, size_t length, uint16_t chunk) {
    struct rte_pktmbuf_extmem memory = {
        .buf_ptr = base, .buf_iova = (rte_iova_t)(uintptr_t)base, .buf_len = length, .elt_size = chunk};
    return rte_pktmbuf_pool_create_extbuf(name, length / chunk, 0, 0, chunk, SOCKET_ID_ANY, &memory, 1);
}

void rf_pool_free(struct rte_mempool *pool) { rte_mempool_free(pool); }

unsigned rf_pool_available(struct rte_mempool *pool) { return rte_mempool_avail_count(pool); }

int rf_pool_take(struct rte_mempool *pool, void **buffers, unsigned count) {
    return rte_mempool_get_bulk(pool, buffers, count);
}

void rf_pool_put(struct rte_mempool *pool, void **buffers, unsigned count) {
    rte_mempool_put_bulk(pool, buffers, count);
}

int rf_error(void) { return rte_errno; }

const char *rf_error_text(int error) { return rte_strerror(error < 0 ? -error : error); }

int rf_start(uint16_t port, struct rte_mempool *pool, uint16_t *rx_size, uint16_t *tx_size) {
    struct rte_eth_conf config = {0};
    struct rte_eth_dev_info info;
    int error = rte_eth_dev_info_get(port, &info);
    if (!error) error = rte_eth_dev_configure(port, 1, 1, &config);
    if (!error) error = rte_eth_dev_adjust_nb_rx_tx_desc(port, rx_size, tx_size);
    if (!error) error = rte_eth_rx_queue_setup(port, 0, *rx_size, rte_eth_dev_socket_id(port), NULL, pool);
    if (!error) error = rte_eth_tx_queue_setup(port, 0, *tx_size, rte_eth_dev_socket_id(port), NULL);
    if (!error) error = rte_eth_dev_start(port);
    return error;
}

int rf_stop(uint16_t port) { return rte_eth_dev_stop(port); }

int rf_close(uint16_t port) { return rte_eth_dev_close(port); }

int rf_promiscuous(uint16_t port) { return rte_eth_promiscuous_enable(port); }

int rf_driver(uint16_t port, char *name, size_t length) {
    struct rte_eth_dev_info info;
    int error = rte_eth_dev_info_get(port, &info);
    if (error) return error;
    snprintf(name, length, "%s", info.driver_name);
    return 0;
}

int rf_mac(uint16_t port, uint8_t address[6]) {
    struct rte_ether_addr found;
    int error = rte_eth_macaddr_get(port, &found);
    if (!error) memcpy(address, found.addr_bytes, 6);
    return error;
}

int rf_counts(uint16_t port, struct counts *counts) {
    struct rte_eth_stats stats;
    int error = rte_eth_stats_get(port, &stats);
    if (error) return error;
    *counts = (struct counts){stats.imissed, stats.rx_nombuf, stats.ierrors, stats.oerrors};
    return 0;
}

uint16_t rf_rx(uint16_t port, struct rte_mbuf **packets, uint16_t count) {
    return rte_eth_rx_burst(port, 0, packets, count);
}

uint16_t rf_tx(uint16_t port, struct rte_mbuf **packets, uint16_t count) {
    return rte_eth_tx_burst(port, 0, packets, count);
}

void rf_view(const struct rte_mbuf *packet, struct view *view) {
    *view = (struct view){packet->pool,    packet->buf_addr, packet->data_off,
                          packet->data_len, packet->pkt_len, packet->nb_segs};
}

/* Makes the buffer one packet at this place of it. */
void rf_prepare(struct rte_mbuf *packet, uint16_t offset, uint16_t length) {
    packet->data_off = offset;
    packet->data_len = length;
    packet->pkt_len = length;
    packet->nb_segs = 1;
    packet->next = NULL;
    packet->ol_flags &= RTE_MBUF_F_EXTERNAL;
}

/* Copies a packet, whatever pieces it has, to where there is room for all of it. */
void rf_copy_out(const struct rte_mbuf *packet, void *to) {
    const void *whole = rte_pktmbuf_read(packet, 0, packet->pkt_len, to);
    if (whole != to) memcpy(to, whole, packet->pkt_len);
}

void rf_free(struct rte_mbuf *packet) { rte_pktmbuf_free(packet); }
