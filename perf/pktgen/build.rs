//! Embeds the programs of the laboratory.

#[path = "../../ebpf/embed.rs"]
mod embed;

fn main() {
    embed::embed("ringfence-lab");
}
