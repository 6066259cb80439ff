//! Lists of namespaces and of controllers.

use super::structure::{Malformed, Structure};

/// Decodes a Namespace List: identifiers in ascending order, as many as there are before a 0 (NVM Express Base Specification,
/// Namespace List; Identify, CNS 02h and 10h). One that is full may go on with what is above its last.
pub fn namespaces(bytes: &[u8]) -> Result<Vec<u32>, Malformed> {
    let data = Structure::of("Namespace List", bytes)?;
    let all = (0..4096).step_by(4).map(|at| data.u32(at));
    Ok(all.take_while(|nsid| *nsid != 0).collect())
}

/// Decodes a Controller List: how many, and their identifiers (NVM Express Base Specification, Controller List; Identify,
/// CNS 12h and 13h).
pub fn attached_controllers(bytes: &[u8]) -> Result<Vec<u16>, Malformed> {
    let data = Structure::of("Controller List", bytes)?;
    let count = usize::from(data.u16(0));
    if count > 2047 {
        return Err(data.refused(format!("{count} are said to follow, and 2047 fit")));
    }
    Ok((1..=count).map(|index| data.u16(2 * index)).collect())
}

#[cfg(test)]
mod tests {
    use super::{attached_controllers, namespaces};

    #[test]
    fn a_list_ends_where_it_says() {
        let mut bytes = vec![0; 4096];
        bytes[0] = 2;
        bytes[4] = 9;
        assert_eq!(namespaces(&bytes).unwrap(), [2, 9]);
        assert_eq!(namespaces(&[1; 4096]).unwrap().len(), 1024);
        bytes[2] = 5;
        assert_eq!(attached_controllers(&bytes).unwrap(), [5, 9]);
    }

    #[test]
    fn more_than_fit_are_refused() {
        let bytes = [8; 4096];
        let error = attached_controllers(&bytes).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no Controller List: 2056 are said to follow, and 2047 fit"
        );
    }
}
