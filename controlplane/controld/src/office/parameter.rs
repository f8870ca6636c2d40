use console::{Done, Failure, ListParameters, ParameterView, SetParameter};
use lang::{Language, Say, Text};
use store::{Kind, Parameter, Trigger};

use super::{Caller, Handle, Office};

impl Handle<ListParameters> for Office {
    fn handle(
        &self,
        caller: &Caller,
        request: ListParameters,
    ) -> Result<Vec<ParameterView>, Failure> {
        let parameters = self.read(caller, |view| view.parameters(request.node.as_deref()))?;
        Ok(parameters.into_iter().map(|parameter| view(parameter, caller.language)).collect())
    }
}

fn view(parameter: Parameter, language: Language) -> ParameterView {
    let definition = parameter.definition;
    let range = match definition.kind {
        Kind::Integer { min, max } => format!("{min}-{max}"),
        Kind::Flag => "true | false".to_owned(),
        Kind::Choice(choices) => choices.join(" | "),
        Kind::Path => PATH.say(language),
        Kind::OptionalPath => OPTIONAL_PATH.say(language),
        Kind::OptionalHost => OPTIONAL_HOST.say(language),
        Kind::OptionalDate => OPTIONAL_DATE.say(language),
        Kind::Text { max } => TEXT.fill(language, &[("max", &max)]),
        Kind::ReadOnly => READ_ONLY.say(language),
    };
    ParameterView {
        name: definition.name.to_owned(),
        title: definition.title.say(language),
        value: parameter.value,
        default: definition.default.to_owned(),
        range,
        help: definition.help.say(language),
        needs: definition.trigger.as_ref().map(Trigger::actions).unwrap_or_default(),
    }
}

impl Handle<SetParameter> for Office {
    fn handle(&self, caller: &Caller, request: SetParameter) -> Result<Done, Failure> {
        let SetParameter { node, name, value } = request;
        let changed = self.change(caller, |change| match &value {
            Some(value) => change.set_parameter(node.as_deref(), &name, value),
            None => change.unset_parameter(node.as_deref(), &name),
        })?;
        Ok(caller.done(changed))
    }
}

const PATH: Text = Text::new("absolute path", "絶対パス");
const OPTIONAL_PATH: Text = Text::new("absolute path, or empty", "絶対パス、または空");
const OPTIONAL_HOST: Text =
    Text::new("host name or address, or empty", "ホスト名かアドレス、または空");
const OPTIONAL_DATE: Text =
    Text::new("day as 2026-12-31, or empty", "2026-12-31 の形の日付、または空");
const TEXT: Text = Text::new(
    "at most {max} printable ASCII characters, or empty",
    "印字可能な ASCII 文字で {max} 文字以内、または空",
);
const READ_ONLY: Text = Text::new("read-only", "読み取り専用");
