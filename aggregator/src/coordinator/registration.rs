//! Who may speak: workers come, show who they are, and leave.

use serde::{Deserialize, Serialize};
use weft_storage::blobs::BlobStore;
use weft_storage::jobs::{JobStore, WorkerId};

use super::Coordinator;
use super::whole::whole;
use crate::message::{Expected, FleetError, Held, NAME_BYTES_MAX, Welcome, WorkerHello};
use crate::pass::{SecretHash, WorkerPass, WorkerSecret};

/// What is known of a worker for as long as it is registered. Kept in the store, it outlives a restart.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Registration {
    pub(super) hello: WorkerHello,
    pub(super) secret: SecretHash,
}

impl<S: JobStore, B: BlobStore> Coordinator<S, B> {
    /// Takes a worker in that runs there, and gives it a pass.
    ///
    /// # Errors
    /// It is of another version, has foreign circuits or none, or there are too many.
    pub async fn register(&self, hello: WorkerHello, place: WorkerPlace) -> Result<Welcome, FleetError> {
        if !self.fits(&hello) {
            let expected = Expected { build: self.config.build.clone(), circuits: self.circuits.ids() };
            tracing::warn!(worker = %hello.name.escape_debug(), build = %hello.build.escape_debug(), "worker refused");
            return Err(FleetError::Refused(Box::new(expected)));
        }
        if hello.name.is_empty() || hello.name.len() > NAME_BYTES_MAX || hello.name.contains(char::is_control) {
            return Err(FleetError::BadHello);
        }
        let secret = WorkerSecret::random();
        let secret = secret.map_err(|error| FleetError::Store { reason: format!("no randomness: {error}") })?;
        let worker = place.name(self.store.new_worker().await?);
        let registration = Registration { hello, secret: secret.hash(&self.config.fleet) };
        self.take_in(worker, registration.clone())?;
        if place == WorkerPlace::Outside {
            let kept = postcard::to_stdvec(&registration).expect("plain data are written to memory");
            self.store.keep_worker(worker, kept).await?;
        }
        tracing::info!(worker = registration.hello.name, id = worker.0, "worker registered");
        let pass = WorkerPass { worker, secret };
        Ok(Welcome { pass, lease: self.config.budgets.lease, beat: self.config.beat })
    }

    /// Whether a worker is of this deployment.
    fn fits(&self, hello: &WorkerHello) -> bool {
        let circuits = self.circuits.ids();
        hello.build == self.config.build
            && !hello.circuits.is_empty()
            && hello.circuits.iter().all(|circuit| circuits.contains(circuit))
    }

    /// The worker that a pass is of.
    ///
    /// # Errors
    /// Nobody knows it, the secret is not its own, or the store failed.
    pub async fn authenticate(&self, pass: &WorkerPass) -> Result<WorkerId, FleetError> {
        if !self.workers().is_known(pass.worker) {
            self.restore(pass).await?;
        }
        self.workers().authenticate(pass, &self.config.fleet)
    }

    /// Takes in a worker that had registered before a restart, if it shows that it is the one.
    async fn restore(&self, pass: &WorkerPass) -> Result<(), FleetError> {
        let kept = self.store.kept_worker(pass.worker).await?;
        let registration = kept.and_then(|bytes| postcard::from_bytes::<Registration>(&bytes).ok());
        let registration = registration.filter(|registration| self.fits(&registration.hello));
        let registration = registration.ok_or(FleetError::UnknownWorker)?;
        if !registration.secret.is_of(&pass.secret, &self.config.fleet) {
            return Err(FleetError::Unauthorized);
        }
        self.take_in(pass.worker, registration)
    }

    fn take_in(&self, worker: WorkerId, registration: Registration) -> Result<(), FleetError> {
        let mut workers = self.workers();
        if !workers.make_room(self.now(), &self.config) {
            return Err(FleetError::Busy);
        }
        workers.register(worker, registration, self.now(), &self.config);
        Ok(())
    }

    /// Takes leave of a worker; what it held is released.
    ///
    /// # Errors
    /// The pass is none, too many report at once, or the store failed.
    pub async fn goodbye(self: &std::sync::Arc<Self>, pass: &WorkerPass) -> Result<(), FleetError> {
        let worker = self.authenticate(pass).await?;
        let (this, permit) = (std::sync::Arc::clone(self), self.report()?);
        whole(permit, async move { this.leave(worker).await }).await
    }

    async fn leave(&self, worker: WorkerId) -> Result<(), FleetError> {
        let held: Option<Held> = self.workers().goodbye(worker, self.now());
        self.store.forget_worker(worker).await?;
        if let Some(held) = held {
            self.give_back(worker, held).await?;
        }
        for (key, aftermath) in self.store.lose_worker(self.now(), worker).await? {
            self.tell_aftermath(&key, aftermath, "the worker has left").await?;
        }
        Ok(())
    }

    /// Forgives the workers of a name all that they did. Returns whether they were suspended or set aside. A worker that has
    /// ended for that may be started again.
    ///
    /// # Errors
    /// Nobody of that name is known.
    pub fn readmit(&self, name: &str) -> Result<bool, FleetError> {
        let was_suspended = self.workers().readmit(name, self.now(), &self.config).ok_or(FleetError::NoSuchWorker)?;
        tracing::info!(worker = name, was_suspended, "worker readmitted");
        Ok(was_suspended)
    }
}

/// Where a worker runs. Its number tells it for ever: after a restart a lease tells whether its worker can still be there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WorkerPlace {
    /// In the coordinator's process, and no longer than that. Its number is odd.
    Inside,
    /// In another process. Its number is even.
    Outside,
}

impl WorkerPlace {
    /// The number of the worker that the store has given this one.
    const fn name(self, number: WorkerId) -> WorkerId {
        let bit = match self {
            Self::Inside => 1,
            Self::Outside => 0,
        };
        WorkerId((number.0 << 1) | bit)
    }

    /// Where the worker of this number ran.
    pub(super) const fn of(worker: WorkerId) -> Self {
        if worker.0 & 1 == 1 { Self::Inside } else { Self::Outside }
    }
}
