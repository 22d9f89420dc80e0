//! What people do on the pages of lists. Unlike the API they may type and import hyphens.

use super::error::ListError;
use crate::concur::Concur;
use crate::http::Millis;

/// Why a page refuses something: the id of the error that the API would have given.
type PageResult<T> = Result<T, &'static str>;

impl Concur {
    /// A person creates a list; returns its id.
    pub fn create_list(&mut self, name: &str, now: Millis) -> String {
        let at = self.lists.add_list(name, now);
        self.lists.lists[at].id.clone()
    }

    /// A person deletes a list; false if there is none of that id.
    pub fn delete_list(&mut self, list_id: &str) -> bool {
        let found = self.lists.list_position(list_id);
        if let Some(list) = found {
            self.lists.remove_list(list);
        }
        found.is_some()
    }

    /// A person creates an item under the item with a long code, or on the first level; returns
    /// its id.
    ///
    /// # Errors
    ///
    /// The id of the service's error, such as `item.duplicate.code`.
    pub fn create_list_item(
        &mut self,
        list_id: &str,
        parent_code: Option<&str>,
        (code, name): (&str, &str),
        now: Millis,
    ) -> PageResult<String> {
        let list = self.list_of_page(list_id)?;
        let switches = &self.config.lists;
        let parent = match parent_code {
            Some(above) => Some(
                self.lists
                    .item_with_code(list, above, switches)
                    .ok_or("item.parent.not.found")?,
            ),
            None => None,
        };
        let made = self
            .lists
            .add_item(list, parent, (code, name), switches, now);
        let at = made.map_err(id_of)?;
        Ok(self.lists.items[at].id.clone())
    }

    /// A person changes the code and the name of an item.
    ///
    /// # Errors
    ///
    /// As [`Concur::create_list_item`].
    pub fn edit_list_item(&mut self, item_id: &str, code: &str, name: &str) -> PageResult<()> {
        let item = self.item_of_page(item_id)?;
        let switches = &self.config.lists;
        let done = self.lists.change_item(item, (code, name), switches);
        done.map_err(id_of)
    }

    /// A person removes an item from one list, with what is under it.
    ///
    /// # Errors
    ///
    /// As [`Concur::create_list_item`].
    pub fn delete_list_item(&mut self, list_id: &str, item_id: &str) -> PageResult<()> {
        let (list, item) = (self.list_of_page(list_id)?, self.item_of_page(item_id)?);
        self.lists.remove_item(item, list);
        Ok(())
    }

    /// A person shares an item, with what is under it, with one more list.
    ///
    /// # Errors
    ///
    /// As [`Concur::create_list_item`].
    pub fn share_list_item(&mut self, item_id: &str, list_id: &str) -> PageResult<()> {
        let (list, item) = (self.list_of_page(list_id)?, self.item_of_page(item_id)?);
        self.lists.share_item(item, list);
        Ok(())
    }

    /// Puts a list under the management of an app, as its vendor does; false if there is no such
    /// list.
    pub fn manage_list(&mut self, list_id: &str, client_id: &str) -> bool {
        let found = self.lists.list_position(list_id);
        if let Some(list) = found {
            self.lists.lists[list].managed_by = Some(client_id.to_owned());
        }
        found.is_some()
    }

    fn list_of_page(&self, id: &str) -> PageResult<usize> {
        let list = self.lists.list_position(id).ok_or("list.not.found")?;
        self.check_unmanaged(list, None).map_err(id_of)?;
        Ok(list)
    }

    fn item_of_page(&self, id: &str) -> PageResult<usize> {
        let item = self.lists.item_position(id).ok_or("item.not.found")?;
        for list in &self.lists.items[item].lists {
            self.check_unmanaged(*list, None).map_err(id_of)?;
        }
        Ok(item)
    }
}

fn id_of(error: ListError) -> &'static str {
    error.id
}
