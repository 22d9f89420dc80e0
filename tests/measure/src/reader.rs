//! Walks over the items of a file and notes what [`Source`] holds of them.

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Visibility};

use crate::source::{Doc, Function, PublicItem, Source};

/// Notes the functions, documentation and public items of `file` in `source`.
pub(crate) fn read(file: &syn::File, source: &mut Source) {
    let mut reader = Reader {
        source,
        is_test: false,
        owner: Vec::new(),
    };
    reader.visit_file(file);
}

/// Walks over the items of a file.
struct Reader<'a> {
    source: &'a mut Source,
    /// Whether what is being read is compiled for tests only.
    is_test: bool,
    /// The public types, traits and so on that surround what is being read, innermost last.
    owner: Vec<Owner>,
}

struct Owner {
    name: String,
    /// Whether what it holds is public without saying so, as variants and methods of traits are.
    is_open: bool,
}

impl Reader<'_> {
    fn note_docs(&mut self, attributes: &[Attribute]) {
        let mut current: Option<Doc> = None;
        for attribute in attributes {
            let Some(text) = doc_text(attribute) else {
                continue;
            };
            let doc = current.get_or_insert_with(|| Doc {
                line: attribute.pound_token.span.start().line,
                text: String::new(),
                is_test: self.is_test,
            });
            doc.text.push_str(text.trim());
            doc.text.push('\n');
        }
        self.source.docs.extend(current);
    }

    fn note_item(&mut self, name: &str, line: usize, attributes: &[Attribute], is_public: bool) {
        if is_public {
            let owners = self.owner.iter().map(|owner| owner.name.as_str());
            let path: Vec<_> = owners.chain([name]).collect();
            self.source.public_items.push(PublicItem {
                name: path.join("::"),
                line,
                is_documented: attributes
                    .iter()
                    .any(|attribute| attribute.path().is_ident("doc")),
                is_test: self.is_test,
            });
        }
    }

    fn note_function(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let line = signature.fn_token.span.start().line;
        let end = block.brace_token.span.close().end().line;
        self.source.functions.push(Function {
            name: signature.ident.to_string(),
            line,
            lines: end - line + 1,
            is_test: self.is_test,
        });
    }

    fn is_in_open_owner(&self) -> bool {
        self.owner.last().is_some_and(|owner| owner.is_open)
    }

    fn within(&mut self, name: String, is_open: bool, read: impl FnOnce(&mut Self)) {
        self.owner.push(Owner { name, is_open });
        read(self);
        self.owner.pop();
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_file(&mut self, file: &'ast syn::File) {
        self.note_docs(&file.attrs);
        visit::visit_file(self, file);
    }

    fn visit_item(&mut self, item: &'ast syn::Item) {
        let before = self.is_test;
        self.is_test |= is_for_tests(attributes(item));
        self.note_docs(attributes(item));
        if let Some((name, visibility)) = declared(item) {
            let line = name.span().start().line;
            self.note_item(
                &name.to_string(),
                line,
                attributes(item),
                is_public(visibility),
            );
        }
        visit::visit_item(self, item);
        self.is_test = before;
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if is_for_tests(&module.attrs) {
            match &module.content {
                Some((brace, _)) => {
                    let first = module
                        .attrs
                        .first()
                        .map_or(brace.span.open(), |first| first.pound_token.span);
                    let lines = (first.start().line, brace.span.close().end().line);
                    self.source.test_lines.push(lines);
                }
                None => self.source.test_modules.push(module.ident.to_string()),
            }
        }
        visit::visit_item_mod(self, module);
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.note_function(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.within(item.ident.to_string(), false, |reader| {
            visit::visit_item_struct(reader, item);
        });
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.within(item.ident.to_string(), is_public(&item.vis), |reader| {
            visit::visit_item_enum(reader, item);
        });
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.within(item.ident.to_string(), is_public(&item.vis), |reader| {
            visit::visit_item_trait(reader, item);
        });
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let name = match item.self_ty.as_ref() {
            syn::Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
            _ => None,
        };
        self.within(name.unwrap_or_default(), false, |reader| {
            visit::visit_item_impl(reader, item);
        });
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        let before = self.is_test;
        self.is_test |= is_for_tests(&function.attrs);
        self.note_docs(&function.attrs);
        let (name, line) = (&function.sig.ident, function.sig.ident.span().start().line);
        self.note_item(
            &name.to_string(),
            line,
            &function.attrs,
            is_public(&function.vis),
        );
        self.note_function(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
        self.is_test = before;
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        self.note_docs(&item.attrs);
        let line = item.ident.span().start().line;
        self.note_item(
            &item.ident.to_string(),
            line,
            &item.attrs,
            is_public(&item.vis),
        );
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        self.note_docs(&function.attrs);
        let (name, line) = (&function.sig.ident, function.sig.ident.span().start().line);
        self.note_item(
            &name.to_string(),
            line,
            &function.attrs,
            self.is_in_open_owner(),
        );
        if let Some(block) = &function.default {
            self.note_function(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        self.note_docs(&variant.attrs);
        let (name, line) = (variant.ident.to_string(), variant.ident.span().start().line);
        self.note_item(&name, line, &variant.attrs, self.is_in_open_owner());
        self.within(name, false, |reader| visit::visit_variant(reader, variant));
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        self.note_docs(&field.attrs);
        if let Some(name) = &field.ident {
            let line = name.span().start().line;
            self.note_item(&name.to_string(), line, &field.attrs, is_public(&field.vis));
        }
    }
}

fn doc_text(attribute: &Attribute) -> Option<String> {
    let syn::Meta::NameValue(pair) = &attribute.meta else {
        return None;
    };
    match &pair.value {
        syn::Expr::Lit(literal) if pair.path.is_ident("doc") => match &literal.lit {
            syn::Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

/// Whether an item is compiled for tests only: a test itself, or under a `cfg` that names them.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) if list.path.is_ident("cfg") => names_test(list.tokens.clone()),
        meta => meta
            .path()
            .segments
            .last()
            .is_some_and(|last| last.ident == "test"),
    })
}

fn names_test(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "test",
        TokenTree::Group(group) => names_test(group.stream()),
        _ => false,
    })
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// The name and visibility of an item that is documented where it is declared. A module is not: its
/// file is.
fn declared(item: &syn::Item) -> Option<(&syn::Ident, &Visibility)> {
    let (ident, visibility) = match item {
        syn::Item::Const(item) => (&item.ident, &item.vis),
        syn::Item::Enum(item) => (&item.ident, &item.vis),
        syn::Item::Fn(item) => (&item.sig.ident, &item.vis),
        syn::Item::Static(item) => (&item.ident, &item.vis),
        syn::Item::Struct(item) => (&item.ident, &item.vis),
        syn::Item::Trait(item) => (&item.ident, &item.vis),
        syn::Item::Type(item) => (&item.ident, &item.vis),
        syn::Item::Union(item) => (&item.ident, &item.vis),
        _ => return None,
    };
    Some((ident, visibility))
}

fn attributes(item: &syn::Item) -> &[Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Union(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
