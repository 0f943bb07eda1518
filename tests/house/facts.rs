//! What one file says, read from its syntax tree: the names it mentions, what it defines, how long its
//! functions are. The body of a `#[cfg(test)] mod` is left out, and nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// A path of names; where it is absolute, the crate comes first.
pub type Names = Vec<String>;

/// How a name is mentioned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// `use a::b;`
    Import,
    /// `pub use a::b;`: passed on, not needed here.
    PassedOn,
    /// `a::b` in code, in a macro or in an attribute.
    Path,
    /// `a::b!(…)`
    Macro,
}

#[derive(Debug)]
pub struct Mention {
    pub path: Names,
    /// The module in which it stands.
    pub module: Arc<Names>,
    pub line: usize,
    pub how: How,
}

#[derive(Debug)]
pub struct Function {
    pub name: String,
    pub line: usize,
    /// From `fn` to the closing brace.
    pub lines: usize,
}

/// `mod name;`
#[derive(Debug)]
pub struct Declared {
    pub module: Names,
    pub is_test: bool,
}

/// What a module has: items of its own, names that `use` brings in, and `use …::*`.
#[derive(Debug, Default)]
pub struct Scope {
    pub items: Vec<String>,
    pub names: BTreeMap<String, Names>,
    pub globs: Vec<Names>,
}

#[derive(Debug, Default)]
pub struct Facts {
    pub mentions: Vec<Mention>,
    pub functions: Vec<Function>,
    pub declared: Vec<Declared>,
    /// Types that others may name, with their lines.
    pub types: Vec<(String, usize)>,
    /// By absolute path of the module: the file's own and those written inside it.
    pub scopes: BTreeMap<Names, Scope>,
    /// Lines with `async` or `.await`.
    pub waits: Vec<usize>,
    /// Lines of the file without bodies of test modules.
    pub lines: usize,
}

impl Facts {
    /// Reads a file that is this module.
    pub fn read(text: &str, module: Names) -> Result<Facts, syn::Error> {
        let file = syn::parse_file(text)?;
        let mut reader = Reader { facts: Facts::default(), module: Arc::new(module) };
        reader.facts.lines = text.lines().count();
        reader.scope();
        reader.visit_file(&file);
        Ok(reader.facts)
    }
}

/// Whether an item is there for tests only.
fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).any(|attribute| {
        attribute.parse_args::<syn::Meta>().is_ok_and(|condition| match condition {
            syn::Meta::Path(path) => path.is_ident("test"),
            // `all(test, unix)`
            syn::Meta::List(list) if list.path.is_ident("all") => {
                let conditions =
                    list.parse_args_with(Punctuated::<syn::Meta, syn::Token![,]>::parse_terminated);
                conditions.is_ok_and(|all| all.iter().any(|one| one.path().is_ident("test")))
            }
            _ => false,
        })
    })
}

fn lines_of(span: Span) -> usize {
    span.end().line + 1 - span.start().line
}

struct Reader {
    facts: Facts,
    module: Arc<Names>,
}

impl Reader {
    fn scope(&mut self) -> &mut Scope {
        self.facts.scopes.entry(self.module.to_vec()).or_default()
    }

    fn mention(&mut self, path: Names, span: Span, how: How) {
        let (module, line) = (Arc::clone(&self.module), span.start().line);
        self.facts.mentions.push(Mention { path, module, line, how });
    }

    fn function(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let (start, end) = (signature.span().start().line, body.span().end().line);
        let name = signature.ident.to_string();
        self.facts.functions.push(Function { name, line: start, lines: end + 1 - start });
    }

    fn import(&mut self, before: &[String], tree: &syn::UseTree, how: How) {
        let joined = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.import(&joined(&path.ident), &path.tree, how),
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.import(before, item, how)),
            syn::UseTree::Glob(star) => {
                self.mention(before.to_vec(), star.span(), how);
                self.scope().globs.push(before.to_vec());
            }
            syn::UseTree::Name(leaf) => self.brought_in(joined(&leaf.ident), None, leaf.span(), how),
            syn::UseTree::Rename(leaf) => {
                self.brought_in(joined(&leaf.ident), Some(leaf.rename.to_string()), leaf.span(), how);
            }
        }
    }

    fn brought_in(&mut self, mut path: Names, name: Option<String>, span: Span, how: How) {
        // `use a::{self, b}` brings in `a`.
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        let name = name.or_else(|| path.last().cloned()).unwrap_or_default();
        if name != "_" {
            self.scope().names.insert(name, path.clone());
        }
        self.mention(path, span, how);
    }

    /// Paths among tokens that are no syntax tree: those of macros and attributes.
    fn tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let is = |at: usize, wanted: char| matches!(tokens.get(at), Some(TokenTree::Punct(p)) if p.as_char() == wanted);
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Ident(first) if !(at > 0 && is(at - 1, '.')) => {
                    let mut path = vec![first.to_string()];
                    while is(at + 1, ':') && is(at + 2, ':') {
                        let Some(TokenTree::Ident(next)) = tokens.get(at + 3) else { break };
                        path.push(next.to_string());
                        at += 3;
                    }
                    let called = is(at + 1, '!') && !is(at + 2, '=');
                    self.mention(path, first.span(), if called { How::Macro } else { How::Path });
                }
                // `#[serde(with = "crate::units")]`
                TokenTree::Literal(literal) => {
                    let text = syn::parse_str::<syn::LitStr>(&literal.to_string());
                    let path = text.ok().and_then(|text| text.parse::<syn::Path>().ok());
                    if let Some(path) = path.filter(|path| path.segments.len() > 1) {
                        self.mention(names_of(&path), literal.span(), How::Path);
                    }
                }
                _ => {}
            }
            at += 1;
        }
    }
}

fn names_of(path: &syn::Path) -> Names {
    path.segments.iter().map(|segment| segment.ident.to_string()).collect()
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let name = match item {
            syn::Item::Const(item) => Some(&item.ident),
            syn::Item::Enum(item) => Some(&item.ident),
            syn::Item::Fn(item) => Some(&item.sig.ident),
            syn::Item::Macro(item) => item.ident.as_ref(),
            syn::Item::Static(item) => Some(&item.ident),
            syn::Item::Struct(item) => Some(&item.ident),
            syn::Item::Trait(item) => Some(&item.ident),
            syn::Item::Type(item) => Some(&item.ident),
            syn::Item::Union(item) => Some(&item.ident),
            _ => None,
        };
        if let Some(name) = name {
            self.scope().items.push(name.to_string());
        }
        let offered = match item {
            syn::Item::Enum(item) => Some((&item.vis, &item.ident)),
            syn::Item::Struct(item) => Some((&item.vis, &item.ident)),
            syn::Item::Trait(item) => Some((&item.vis, &item.ident)),
            syn::Item::Type(item) => Some((&item.vis, &item.ident)),
            syn::Item::Union(item) => Some((&item.vis, &item.ident)),
            _ => None,
        };
        if let Some((_, name)) = offered.filter(|(vis, _)| !matches!(vis, syn::Visibility::Inherited)) {
            self.facts.types.push((name.to_string(), name.span().start().line));
        }
        visit::visit_item(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let is_test = is_for_tests(&item.attrs);
        let above = Arc::clone(&self.module);
        self.module = Arc::new([&above[..], &[item.ident.to_string()]].concat());
        match &item.content {
            Some(_) if is_test => self.facts.lines -= lines_of(item.span()),
            Some(_) => {
                self.scope();
                visit::visit_item_mod(self, item);
            }
            None => self.facts.declared.push(Declared { module: self.module.to_vec(), is_test }),
        }
        self.module = above;
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let how = if matches!(item.vis, syn::Visibility::Inherited) { How::Import } else { How::PassedOn };
        self.import(&[], &item.tree, how);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.mention(names_of(path), path.span(), How::Path);
        visit::visit_path(self, path);
    }

    // `pub(super)` asks for nothing.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.mention(names_of(&item.path), item.path.span(), How::Macro);
        self.tokens(item.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.tokens(list.tokens.clone());
        }
        visit::visit_attribute(self, attribute);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        self.facts.waits.extend(signature.asyncness.iter().map(|word| word.span.start().line));
        visit::visit_signature(self, signature);
    }

    fn visit_expr_async(&mut self, block: &'ast syn::ExprAsync) {
        self.facts.waits.push(block.span().start().line);
        visit::visit_expr_async(self, block);
    }

    fn visit_expr_await(&mut self, expression: &'ast syn::ExprAwait) {
        self.facts.waits.push(expression.await_token.span.start().line);
        visit::visit_expr_await(self, expression);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.function(&item.sig, body);
        }
        visit::visit_trait_item_fn(self, item);
    }
}
