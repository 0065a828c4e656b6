//! The data frames of cells (`obs`) and genes (`var`).

use hdf5::types::TypeDescriptor;

use super::{
    Column, H5adError,
    column::{self, Texts},
    element::{Element, Group},
    typed,
};

/// Where anndata before 0.8 kept the categories of all columns.
const LEGACY_CATEGORIES: &str = "__categories";

/// A data frame whose rows have names.
#[derive(Debug, Clone)]
pub(crate) struct DataFrame {
    group: Group,
    index_name: String,
    index: Element,
    n_rows: usize,
}

impl DataFrame {
    /// Opens `obs` or `var` and finds its index; reads no row.
    pub(crate) fn open(root: &Group, name: &str) -> Result<Self, H5adError> {
        let group = match root.find(name)? {
            Some(Element::Group(group)) => group,
            Some(Element::Array(array)) => {
                return match array.dtype()?.to_descriptor() {
                    Ok(TypeDescriptor::Compound(_)) => Err(H5adError::OldFormat {
                        path: array.place().path(),
                        element: name.to_owned(),
                    }),
                    _ => Err(array.place().encoding("a group", "a dataset")),
                };
            }
            None => {
                return Err(H5adError::MissingDataFrame {
                    path: root.place().path(),
                    element: name.to_owned(),
                });
            }
        };
        let (index_name, index) = find_index(&group)?;
        let n_rows = column::len(&index)?;
        Ok(Self {
            group,
            index_name,
            index,
            n_rows,
        })
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// The names of the rows, as they are in the file: some may be equal.
    pub(crate) fn names(&self) -> Result<Vec<String>, H5adError> {
        let names = column::read(&self.index)?;
        Ok(names.into_iter().map(Option::unwrap_or_default).collect())
    }

    /// The columns in the file's order, without the index.
    pub(crate) fn columns(&self) -> Result<Vec<String>, H5adError> {
        let present = self.group.names()?;
        // anndata stores an empty order as an array of numbers, which reads as no text.
        let ordered = self.group.text_list_attribute("column-order");
        let mut columns = match ordered {
            Some(columns) => columns,
            None => present.clone(),
        };
        // A column with a slash in its name lies in a group of what stands before the slash.
        let is_below = |name: &String| {
            name.contains('/') && self.group.find(name).is_ok_and(|found| found.is_some())
        };
        let is_there = |name: &String| present.contains(name) || is_below(name);
        let is_column = |name: &String| *name != self.index_name && name != LEGACY_CATEGORIES;
        columns.retain(|name| is_column(name) && is_there(name));
        Ok(columns)
    }

    /// A column as text; an error that lists the columns where there is none of that name.
    pub(crate) fn column(&self, name: &str) -> Result<Texts, H5adError> {
        let columns = self.columns()?;
        if !columns.iter().any(|column| column == name) {
            return Err(H5adError::NoColumn {
                path: self.group.place().path(),
                column: name.to_owned(),
                columns,
            });
        }
        let column = self.checked(name)?;
        match (&column, self.legacy_categories(name)?) {
            (Element::Array(codes), Some(categories)) => column::categorical(codes, &categories),
            _ => column::read(&column),
        }
    }

    /// All columns with their types, less those of an encoding that is not known.
    pub(crate) fn typed_columns(&self) -> Result<Vec<(String, Column)>, H5adError> {
        let mut columns = Vec::new();
        for name in self.columns()? {
            match self.typed_column(&name) {
                Ok(column) => columns.push((name, column)),
                Err(H5adError::Encoding { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(columns)
    }

    fn typed_column(&self, name: &str) -> Result<Column, H5adError> {
        let column = self.checked(name)?;
        match self.legacy_categories(name)? {
            Some(_) => Ok(Column::Categorical(self.column(name)?)),
            None => typed::read(&column),
        }
    }

    /// A column that has as many rows as the table.
    fn checked(&self, name: &str) -> Result<Element, H5adError> {
        let column = self.group.require(name)?;
        let n_found = column::len(&column)?;
        let place = self.group.place().child(name);
        place.check_length(n_found, self.n_rows, || {
            let table = self.group.place().element();
            format!("{table} has {} rows", self.n_rows)
        })?;
        Ok(column)
    }

    fn legacy_categories(&self, name: &str) -> Result<Option<Element>, H5adError> {
        match self.group.get(LEGACY_CATEGORIES)? {
            Some(Element::Group(group)) => group.find(name),
            _ => Ok(None),
        }
    }
}

/// The index: the element that the attribute `_index` names, else `_index`, else `index`.
fn find_index(group: &Group) -> Result<(String, Element), H5adError> {
    let named = group.text_attribute("_index");
    for name in named.iter().map(String::as_str).chain(["_index", "index"]) {
        if let Some(element) = group.find(name)? {
            return Ok((name.to_owned(), element));
        }
    }
    Err(H5adError::MissingIndex {
        path: group.place().path(),
        element: group.place().element(),
    })
}
