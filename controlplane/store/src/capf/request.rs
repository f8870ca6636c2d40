use std::time::SystemTime;

use crate::change::Change;
use crate::sql::values;
use crate::store::{millis, time};
use crate::{DeviceName, Result, View};

/// A certificate that was asked of a certification authority which has not answered yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapfRequest {
    /// Whose certificate it will be.
    pub device: DeviceName,
    /// The phone's key, a DER SubjectPublicKeyInfo.
    pub public_key: Vec<u8>,
    /// The name the authority knows the request by.
    pub transaction_id: String,
    /// When it was asked.
    pub asked_at: SystemTime,
    /// What the authority needs to be reminded of it; its form is the client's.
    pub request: Vec<u8>,
    /// The certificate, once it came; it waits for the phone.
    pub certificate: Option<Vec<u8>>,
}

impl View<'_> {
    /// The phones whose requests wait for their authority.
    pub fn capf_requests_open(&mut self) -> Result<Vec<DeviceName>> {
        let rows = self.sql.query(
            "SELECT device FROM capf_request WHERE certificate IS NULL ORDER BY asked_at, device",
            &[],
        )?;
        rows.into_iter().map(|mut row| row.parse()).collect()
    }

    /// The request of one phone, if one waits.
    pub fn capf_request(&mut self, device: &DeviceName) -> Result<Option<CapfRequest>> {
        let rows = self.sql.query(
            "SELECT public_key, transaction_id, asked_at, request, certificate FROM capf_request
                WHERE device = $1",
            values![device.as_str()],
        )?;
        rows.into_iter()
            .next()
            .map(|mut row| {
                Ok(CapfRequest {
                    device: device.clone(),
                    public_key: row.next()?,
                    transaction_id: row.next()?,
                    asked_at: time(row.next()?),
                    request: row.next()?,
                    certificate: row.next()?,
                })
            })
            .transpose()
    }
}

impl Change<'_> {
    /// Remembers a request in place of the phone's last one. Makes no revision.
    pub fn put_capf_request(&mut self, request: &CapfRequest) -> Result<()> {
        self.device(&request.device)?;
        self.remove_capf_request(&request.device)?;
        self.view.sql.execute(
            "INSERT INTO capf_request
                (device, public_key, transaction_id, asked_at, request, certificate)
                VALUES ($1, $2, $3, $4, $5, $6)",
            values![
                request.device.as_str(),
                &*request.public_key,
                &*request.transaction_id,
                millis(request.asked_at),
                &*request.request,
                request.certificate.as_deref(),
            ],
        )?;
        Ok(())
    }

    /// Forgets the request of a phone: it was answered, or is not wanted any more.
    pub fn remove_capf_request(&mut self, device: &DeviceName) -> Result<()> {
        let sql = "DELETE FROM capf_request WHERE device = $1";
        self.view.sql.execute(sql, values![device.as_str()])?;
        Ok(())
    }
}
