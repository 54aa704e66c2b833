//! Proofs in a process of their own: one that crashes, is killed or hangs takes nothing else with it.

use std::fmt;
use std::io::{self, Read, Write};
use std::num::NonZeroUsize;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::time::timeout;
use weft_prover::Cost;
use weft_storage::jobs::Failure;

use super::executor::{Executor, ExecutorError, MadeProof, Progress, proving_threads, run};
use super::frame::{self, Reply};
use crate::Task;
use crate::circuits::{CircuitId, Circuits};

/// How long a process whose output has ended may take to end itself.
const EXIT_GRACE: Duration = Duration::from_millis(500);
/// How long a process may take to load or build its circuits.
const READY_TIMEOUT: Duration = Duration::from_secs(1800);
const SIGKILL: i32 = 9;
/// How a shell reports a process that was killed.
const KILLED_CODE: i32 = 128 + SIGKILL;

/// Proves in a process, which is kept for the next task as long as it lives. A task that is given up kills it.
pub struct ChildProcess {
    command: Box<dyn Fn() -> Command + Send>,
    child: Option<Running>,
    circuits: Vec<CircuitId>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
}

impl ChildProcess {
    /// A prover whose process is started with this command, which is to call [`serve_child`] on its standard input and
    /// output.
    pub fn new(command: impl Fn() -> Command + Send + 'static) -> Self {
        Self { command: Box::new(command), child: None, circuits: Vec::new() }
    }

    /// Id of the process, while it lives.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().and_then(|running| running.child.id())
    }

    fn spawn(&self) -> Result<Running, ExecutorError> {
        let mut command = tokio::process::Command::from((self.command)());
        // In a group of its own, so that a signal to the worker from a terminal lets the job end.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0).kill_on_drop(true);
        let mut child = command.spawn().map_err(ExecutorError::Spawn)?;
        let (input, output) = child.stdin.take().zip(child.stdout.take()).expect("both are piped");
        Ok(Running { child, input, output })
    }
}

impl Executor for ChildProcess {
    async fn ready(&mut self) -> Result<(), ExecutorError> {
        if let Some(running) = &mut self.child
            && matches!(running.child.try_wait(), Ok(None))
        {
            return Ok(());
        }
        self.child = None;
        let mut running = self.spawn()?;
        let useless = |reason: String| ExecutorError::Child { reason };
        match timeout(READY_TIMEOUT, frame::receive(&mut running.output)).await {
            Ok(Ok(Reply::Ready { circuits })) => {
                self.circuits = circuits;
                self.child = Some(running);
                Ok(())
            }
            Ok(Ok(_)) => Err(useless("it does not begin with its circuits".to_owned())),
            Ok(Err(error)) => Err(useless(format!("{error}, {}", ending(&mut running.child).await))),
            Err(_) => Err(useless("it takes too long to load its circuits".to_owned())),
        }
    }

    fn circuits(&self) -> Vec<CircuitId> {
        self.circuits.clone()
    }

    async fn execute(&mut self, task: Task, progress: &Progress) -> Result<MadeProof, Failure> {
        // Out of `self`, so that the process ends with this future if that is dropped.
        let mut running = self.child.take().ok_or_else(|| Failure::Error("the prover is not ready".to_owned()))?;
        match converse(&mut running, &task, progress).await {
            Ok(made) => {
                self.child = Some(running);
                made.map_err(Failure::Error)
            }
            Err(error) => Err(post_mortem(&mut running.child, &error).await),
        }
    }
}

/// Sends a task and hears of it until its end.
async fn converse(running: &mut Running, task: &Task, progress: &Progress) -> io::Result<Result<MadeProof, String>> {
    frame::send(&mut running.input, task).await?;
    loop {
        match frame::receive(&mut running.output).await? {
            Reply::Stage(stage) => progress.set(&stage),
            Reply::Done { proof, wall, cpu } => return Ok(Ok(MadeProof { proof, cost: Cost { wall, cpu } })),
            Reply::Failed(reason) => return Ok(Err(reason)),
            Reply::Ready { .. } => return Err(io::Error::new(io::ErrorKind::InvalidData, "it is ready twice")),
        }
    }
}

/// Why a process is no more: the operating system kills what takes too much memory.
async fn post_mortem(child: &mut Child, error: &io::Error) -> Failure {
    match timeout(EXIT_GRACE, child.wait()).await {
        Ok(Ok(status)) if is_killed(status) => Failure::OutOfMemory(format!("the prover was killed: {status}")),
        Ok(Ok(status)) => Failure::Crashed(format!("the prover ended: {status}")),
        Ok(Err(_)) | Err(_) => Failure::Crashed(format!("the prover cannot be understood: {error}")),
    }
}

async fn ending(child: &mut Child) -> String {
    match timeout(EXIT_GRACE, child.wait()).await {
        Ok(Ok(status)) => status.to_string(),
        Ok(Err(_)) | Err(_) => "it still runs".to_owned(),
    }
}

fn is_killed(status: ExitStatus) -> bool {
    status.signal() == Some(SIGKILL) || status.code() == Some(KILLED_CODE)
}

/// The other end of a [`ChildProcess`]: proves the tasks that come in until there are no more.
///
/// # Errors
/// Input or output fails, as they do when the worker is gone; or the system starts no threads.
pub fn serve_child<W: Write + Send + 'static>(
    circuits: &dyn Circuits,
    threads: NonZeroUsize,
    mut input: impl Read,
    output: W,
) -> io::Result<()> {
    let threads = proving_threads(threads).map_err(io::Error::other)?;
    let output = Arc::new(Mutex::new(output));
    let say = |reply: &Reply| say(&output, reply);
    say(&Reply::Ready { circuits: circuits.ids() })?;
    while let Some(task) = frame::read::<Task>(&mut input)? {
        let stages = Arc::clone(&output);
        // That nobody listens any more shows when the task is done.
        let on_stage = move |stage: &'static str| drop(self::say(&stages, &Reply::Stage(stage.to_owned())));
        let reply = match threads.install(|| run(circuits, &task, on_stage)) {
            Ok(MadeProof { proof, cost: Cost { wall, cpu } }) => Reply::Done { proof, wall, cpu },
            Err(
                Failure::Error(reason)
                | Failure::Crashed(reason)
                | Failure::OutOfMemory(reason)
                | Failure::InvalidProof(reason),
            ) => Reply::Failed(reason),
        };
        say(&reply)?;
    }
    Ok(())
}

fn say<W: Write>(output: &Mutex<W>, reply: &Reply) -> io::Result<()> {
    frame::write(&mut *output.lock().unwrap_or_else(PoisonError::into_inner), reply)
}

impl fmt::Debug for ChildProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildProcess").field("child", &self.child).finish_non_exhaustive()
    }
}
