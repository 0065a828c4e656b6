//! Groups of an HDF5 file, and what they contain.

use std::path::Path;

use hdf5::{IndexType, IterationOrder, LinkType, Location, LocationType};

use super::{H5adError, array::Array, element_path::ElementPath, text};

/// A group or a dataset.
#[derive(Debug, Clone)]
pub(crate) enum Element {
    /// A group.
    Group(Group),
    /// A dataset.
    Array(Array),
}

/// A group, and where it is.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    inner: hdf5::Group,
    place: ElementPath,
}

impl Group {
    /// The root of an open file.
    pub(crate) fn root(file: &hdf5::File, path: &Path) -> Result<Self, H5adError> {
        let place = ElementPath::root(path);
        let inner = place.ask(|| file.group("/"))?;
        Ok(Self { inner, place })
    }

    pub(crate) fn place(&self) -> &ElementPath {
        &self.place
    }

    /// What is linked here by that name, if anything.
    pub(crate) fn get(&self, name: &str) -> Result<Option<Element>, H5adError> {
        let place = self.place.child(name);
        let link = match self.link_type(name)? {
            None => return Ok(None),
            Some(LinkType::External) => return Err(place.elsewhere()),
            Some(link) => link,
        };
        let kind = place.guard(0, || self.inner.loc_type_by_name(name));
        let kind = kind.map_err(|e| match link {
            LinkType::Soft => H5adError::BrokenLink {
                path: place.path(),
                element: place.element(),
            },
            _ => place.refused(e),
        })?;
        let element = match kind {
            LocationType::Group => {
                let inner = place.ask(|| self.inner.group(name))?;
                self.check_same_file(&inner, &place)?;
                Element::Group(Self { inner, place })
            }
            LocationType::Dataset => {
                let inner = place.ask(|| self.inner.dataset(name))?;
                self.check_same_file(&inner, &place)?;
                Element::Array(Array::open(inner, place)?)
            }
            _ => return Err(place.encoding("a group or a dataset", "a named type")),
        };
        Ok(Some(element))
    }

    /// What is at a path below this group, `layers/counts`, if anything.
    pub(crate) fn find(&self, path: &str) -> Result<Option<Element>, H5adError> {
        match path.split_once('/') {
            None => self.get(path),
            Some((name, rest)) => match self.get(name)? {
                Some(Element::Group(group)) => group.find(rest),
                _ => Ok(None),
            },
        }
    }

    /// How a name is linked here. All names are listed for it: a group that cannot be listed is damaged,
    /// and then nobody knows what is in it.
    fn link_type(&self, wanted: &str) -> Result<Option<LinkType>, H5adError> {
        let (by_name, any_order) = (IndexType::default(), IterationOrder::default());
        self.place.ask(|| {
            self.inner.find_link(by_name, any_order, |name, info| {
                Ok((name == wanted).then_some(info.link_type))
            })
        })
    }

    /// A chain of links may end in another file, which is not the one that was asked for.
    fn check_same_file(&self, found: &Location, place: &ElementPath) -> Result<(), H5adError> {
        let is_same = || found.filename() == self.inner.filename();
        if self.place.guard(0, is_same) {
            return Ok(());
        }
        Err(place.elsewhere())
    }

    /// The group or dataset at a path below this group; an error where there is none.
    pub(crate) fn require(&self, path: &str) -> Result<Element, H5adError> {
        self.find(path)?.ok_or_else(|| {
            let place = self.place.child(path);
            H5adError::MissingElement {
                path: place.path(),
                element: place.element(),
            }
        })
    }

    /// The dataset of that name; an error where there is none.
    pub(crate) fn array(&self, name: &str) -> Result<Array, H5adError> {
        match self.require(name)? {
            Element::Array(array) => Ok(array),
            Element::Group(group) => Err(group.place.encoding("a dataset", "a group")),
        }
    }

    /// The names of everything linked here, sorted.
    pub(crate) fn names(&self) -> Result<Vec<String>, H5adError> {
        let mut names = self.place.ask(|| self.inner.member_names())?;
        names.sort();
        Ok(names)
    }

    /// A scalar text attribute.
    pub(crate) fn text_attribute(&self, name: &str) -> Option<String> {
        let texts = self.text_list_attribute(name)?;
        texts.into_iter().next()
    }

    /// A text attribute; `None` where there is none, or where it is no text.
    pub(crate) fn text_list_attribute(&self, name: &str) -> Option<Vec<String>> {
        let attribute = self.place.ask(|| self.inner.attr(name)).ok()?;
        text::read(&attribute, &self.place).ok()
    }

    /// An attribute of whole numbers.
    pub(crate) fn numbers_attribute(&self, name: &str) -> Option<Vec<u64>> {
        let numbers = || self.inner.attr(name)?.read_raw();
        self.place.ask(numbers).ok()
    }
}
