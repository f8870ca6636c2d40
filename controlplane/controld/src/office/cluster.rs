use console::{CreateCluster, Done, Failure, FailureKind, PromoteNode};
use database::Fault;
use lang::{Say, Text};
use store::{Administrator, AdministratorRole, Node, NodeRole, Password, PasswordHash};

use super::{Caller, Handle, Office};

impl Handle<CreateCluster> for Office {
    fn handle(&self, caller: &Caller, request: CreateCluster) -> Result<Done, Failure> {
        let hash = PasswordHash::new(&Password::new(request.password.expose()))
            .map_err(|error| caller.failure(&error))?;
        let role = AdministratorRole::Administrator;
        let administrator = Administrator { name: request.administrator, role };
        let node = Node::new(&*self.node, request.address, NodeRole::Publisher);
        let changed = self.change(caller, |change| {
            change.create_cluster(&request.name)?;
            change.put_node(&node)?;
            change.put_administrator(&administrator, &hash)
        })?;
        Ok(caller.done(changed))
    }
}

impl Handle<PromoteNode> for Office {
    /// First the database, then the node's role in it: who is interrupted between the two asks
    /// again.
    fn handle(&self, caller: &Caller, request: PromoteNode) -> Result<Done, Failure> {
        let keeper = self.services.database().ok_or_else(|| Failure {
            kind: FailureKind::Refused,
            text: NOT_OUR_DATABASE.say(caller.language),
        })?;
        let is_publisher = |nodes: Vec<Node>| {
            nodes.iter().any(|node| node.name == self.node && node.role == NodeRole::Publisher)
        };
        match keeper.promote(&request.lost) {
            Ok(()) => {}
            Err(Fault::IsPublisher) if !is_publisher(self.read(caller, |view| view.nodes())?) => {}
            Err(fault) => {
                let kind = match fault {
                    Fault::Database(_) | Fault::Program { .. } | Fault::File { .. } => {
                        FailureKind::Failed
                    }
                    _ => FailureKind::Refused,
                };
                return Err(Failure { kind, text: fault.say(caller.language) });
            }
        }
        let had_capf = self.read(caller, |view| {
            Ok(view.nodes()?.iter().any(|node| node.services.contains(&store::Service::Capf)))
        })?;
        // What is here of CAPF is a copy of the former publisher's certificate.
        let room = self.services.make_room_for_capf();
        room.map_err(|why| Failure { kind: FailureKind::Failed, text: why.to_string() })?;
        let changed = self.change(caller, |change| change.make_publisher(&self.node))?;
        self.services.reconcile(caller.now);
        let mut done = caller.done(changed);
        done.notes.push(IS_PUBLISHER.fill(caller.language, &[("node", &self.node)]));
        if had_capf && done.revision.is_some() {
            done.notes.push(WITHOUT_CAPF.say(caller.language));
        }
        Ok(done)
    }
}

const NOT_OUR_DATABASE: Text = Text::new(
    "This node's database is not run by ringfence ([controld.database] is missing): promote it with the tools of whoever runs it.",
    "このノードのデータベースは ringfence が管理していません ([controld.database] がありません)。データベースの管理ツールで昇格させてください。",
);
const IS_PUBLISHER: Text = Text::new(
    "{node} is the publisher now. The other nodes follow it by themselves; the former publisher takes no changes any more, and joins again with `ringfence cluster join`.",
    "{node} がパブリッシャになりました。他のノードは自動的に追従します。元のパブリッシャは変更を受け付けなくなり、`ringfence cluster join` で再び参加できます。",
);
const WITHOUT_CAPF: Text = Text::new(
    "CAPF ran on the former publisher: activate it here (`ringfence capf activate`), then sign the CTL file (`ringfence ctl update`). Certificates that phones have stay good.",
    "CAPF は元のパブリッシャで動作していました。ここで有効にし (`ringfence capf activate`)、CTL ファイルに署名してください (`ringfence ctl update`)。電話機の証明書は引き続き有効です。",
);
