//! Embeds the XDP program.

#[path = "../../ebpf/embed.rs"]
mod embed;

fn main() {
    embed::embed("ringfence-xdp");
}
