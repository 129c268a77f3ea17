//! Fields of forms.

use maud::{Markup, html};
use serde_json::Value;

use crate::parts::text;

/// A field of a form with its label, and what was said against it.
pub struct Field<'a> {
    /// Its name in the form; its id too.
    pub name: &'a str,
    /// For people.
    pub label: &'a str,
    /// What helps to fill it in.
    pub hint: &'a str,
    /// What the API said against it.
    pub wrong: Option<&'a str>,
}

impl<'a> Field<'a> {
    /// One that nothing is said against.
    pub fn new(name: &'a str, label: &'a str, hint: &'a str) -> Self {
        Field { name, label, hint, wrong: None }
    }

    /// With what an error body says of this field of the API, or of one within it.
    #[must_use]
    pub fn judged(mut self, refused: Option<&'a Value>, field: &str) -> Self {
        let concerns = |detail: &Value| text(detail, "fieldName").split(['.', '[']).next() == Some(field) && !field.is_empty();
        let said = refused.filter(|body| body["details"].as_array().is_some_and(|details| details.iter().any(concerns)));
        self.wrong = said.map(|body| text(body, "message"));
        self
    }

    /// Around its control.
    pub fn around(&self, control: &Markup) -> Markup {
        html! {
            div class={ "field" @if self.wrong.is_some() { " wrong" } } {
                label for=(self.name) { (self.label) }
                (control)
                @if let Some(says) = self.wrong { p class="refusal" id={ (self.name) "-refusal" } role="alert" { (says) } }
                @if !self.hint.is_empty() { p class="hint" { (self.hint) } }
            }
        }
    }

    /// A line of text.
    pub fn line(&self, value: &str) -> Markup {
        self.around(&html! { input id=(self.name) name=(self.name) value=(value) autocomplete="off" spellcheck="false"; })
    }

    /// A whole number, or nothing.
    pub fn number(&self, value: &str) -> Markup {
        self.around(&html! { input id=(self.name) name=(self.name) value=(value) inputmode="numeric" pattern="[0-9]*" autocomplete="off"; })
    }

    /// Several lines.
    pub fn area(&self, value: &str, rows: u32) -> Markup {
        self.around(&html! { textarea id=(self.name) name=(self.name) rows=(rows) spellcheck="false" { "\n" (value) } })
    }

    /// One of these: the value and its name; nothing chosen is the first.
    pub fn choice(&self, value: &str, options: &[(&str, &str)]) -> Markup {
        self.around(&html! {
            select id=(self.name) name=(self.name) { @for (option, shown) in options { option value=(option) selected[*option == value] { (shown) } } }
        })
    }
}

/// Several that may be marked.
pub fn marks(name: &str, legend: &str, options: &[&str], marked: impl Fn(&str) -> bool) -> Markup {
    html! {
        fieldset class="marks-of" {
            legend { (legend) }
            @for option in options { label class="check" { input type="checkbox" name=(name) value=(option) checked[marked(option)]; " " (option) } }
        }
    }
}

/// Something that is, or is not.
pub fn check(name: &str, label: &str, checked: bool) -> Markup {
    html! { label class="check" { input type="checkbox" name=(name) value="yes" checked[checked]; " " (label) } }
}

/// What the API said, above a form.
pub fn refusal(refused: Option<&Value>) -> Markup {
    html! { @if let Some(body) = refused { div class="alert" role="alert" { (text(body, "message")) } } }
}
