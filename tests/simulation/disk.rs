//! The disk under the store: full, in somebody else's hands, or what Usher dies at. A layer between
//! SQLite and the system (a "VFS", <https://sqlite.org/vfs.html>) that passes everything on but what it
//! refuses; it looks at the files of one story and leaves all others alone.

#![expect(unsafe_code, reason = "SQLite's interface to the system is one of C")]

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use libsqlite3_sys::{
    SQLITE_BUSY, SQLITE_FULL, SQLITE_IOERR_WRITE, SQLITE_OK, SQLITE_OPEN_MAIN_DB, SQLITE_OPEN_WAL,
    SQLITE_SHM_EXCLUSIVE, SQLITE_SHM_LOCK, sqlite3_file, sqlite3_io_methods, sqlite3_vfs, sqlite3_vfs_find,
    sqlite3_vfs_register,
};
use tokio::sync::Notify;

/// The lock of whoever writes, among those of the log's index (<https://sqlite.org/walformat.html>).
const WRITE_LOCK: c_int = 0;

/// Usher dies at a write to the store's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskDeath {
    /// Writes until then; 1 is the next one.
    pub at: u32,
    /// What is written arrives.
    pub done: bool,
}

#[derive(Default)]
struct State {
    /// Which life of Usher opens files now. What an earlier one opened writes nothing more.
    life: u64,
    /// Files of each life that are open.
    open: BTreeMap<u64, usize>,
    death: Option<DiskDeath>,
    /// Writes that are still refused for want of room.
    full: u32,
    /// Times that somebody else still holds the write lock.
    busy: u32,
    /// Somebody else writes, to whom nothing of this happens.
    undisturbed: bool,
    refused: u64,
    deaths: u64,
}

/// The disk of one story.
pub struct Disk {
    folder: PathBuf,
    state: Mutex<State>,
    dies: Arc<Notify>,
}

/// What becomes of a write.
enum Fate {
    Passes,
    Refused(c_int),
    /// Usher dies; whether it arrives.
    Last(bool),
}

impl Disk {
    /// Watches the files in a folder until it is dropped; `dies` is told when Usher is to die.
    pub fn under(folder: &Path, dies: Arc<Notify>) -> Arc<Disk> {
        install();
        let disk = Disk { folder: folder.to_owned(), state: Mutex::default(), dies };
        let disk = Arc::new(disk);
        disks().lock().unwrap().insert(folder.to_owned(), disk.clone());
        disk
    }

    /// The story is over.
    pub fn forget(&self) {
        disks().lock().unwrap().remove(&self.folder);
    }

    pub fn die_at(&self, death: Option<DiskDeath>) {
        self.state.lock().unwrap().death = death;
    }

    /// So many writes do not find room; 0: there is room again.
    pub fn fill(&self, writes: u32) {
        self.state.lock().unwrap().full = writes;
    }

    /// So many times somebody else holds the write lock.
    pub fn occupy(&self, times: u32) {
        self.state.lock().unwrap().busy = times;
    }

    pub fn mend(&self) {
        let mut state = self.state.lock().unwrap();
        (state.death, state.full, state.busy) = (None, 0, 0);
    }

    /// Until this is taken back, nothing is refused.
    pub fn leave_alone(&self, alone: bool) {
        self.state.lock().unwrap().undisturbed = alone;
    }

    /// What was refused so far.
    pub fn refused(&self) -> u64 {
        self.state.lock().unwrap().refused
    }

    /// How often Usher died at a write.
    pub fn deaths(&self) -> u64 {
        self.state.lock().unwrap().deaths
    }

    /// Usher has died: whatever it had open writes nothing more.
    pub fn end_life(&self) {
        let mut state = self.state.lock().unwrap();
        (state.life, state.death) = (state.life + 1, None);
    }

    /// Files of earlier lives that are still open. They are closed by threads of their own.
    pub fn has_open_files_of_the_dead(&self) -> bool {
        let state = self.state.lock().unwrap();
        state.open.range(..state.life).any(|(_, files)| *files > 0)
    }

    fn write(&self, life: u64, log: bool, offset: i64) -> Fate {
        let mut state = self.state.lock().unwrap();
        if life < state.life {
            return Fate::Refused(SQLITE_IOERR_WRITE);
        }
        // When the log is copied into the file, and begun anew, depends on who reads meanwhile.
        if !log || offset == 0 || state.undisturbed {
            return Fate::Passes;
        }
        if state.full > 0 {
            (state.full, state.refused) = (state.full - 1, state.refused + 1);
            return Fate::Refused(SQLITE_FULL);
        }
        let Some(death) = state.death.as_mut() else { return Fate::Passes };
        death.at -= 1;
        if death.at > 0 {
            return Fate::Passes;
        }
        let done = death.done;
        (state.death, state.life, state.deaths) = (None, state.life + 1, state.deaths + 1);
        Fate::Last(done)
    }

    fn take_write_lock(&self) -> bool {
        let mut state = self.state.lock().unwrap();
        if state.busy == 0 || state.undisturbed {
            return true;
        }
        (state.busy, state.refused) = (state.busy - 1, state.refused + 1);
        false
    }
}

/// The disks of all stories that are being played, by their folders.
fn disks() -> &'static Mutex<BTreeMap<PathBuf, Arc<Disk>>> {
    static DISKS: OnceLock<Mutex<BTreeMap<PathBuf, Arc<Disk>>>> = OnceLock::new();
    DISKS.get_or_init(Mutex::default)
}

/// What stands behind the system's own part of an open file.
struct Watched {
    disk: Arc<Disk>,
    life: u64,
    log: bool,
    system: *const sqlite3_io_methods,
    methods: sqlite3_io_methods,
}

/// The system's own way to files. It is there before anybody opens one, and stays.
struct System(*mut sqlite3_vfs);

// SAFETY: SQLite itself uses it from all threads, and nothing writes to it.
unsafe impl Send for System {}
// SAFETY: as above.
unsafe impl Sync for System {}

static SYSTEM: OnceLock<System> = OnceLock::new();

thread_local! {
    /// This thread was told that somebody else holds the lock, which is not so: it need not wait.
    static NEED_NOT_WAIT: Cell<bool> = const { Cell::new(false) };
}

/// Makes every file that SQLite opens from now on pass here.
fn install() {
    SYSTEM.get_or_init(|| {
        // SAFETY: SQLite's default VFS lives as long as the process. The copy keeps everything but how
        // files are opened and how one waits; it is leaked, so it lives as long.
        unsafe {
            let system = sqlite3_vfs_find(std::ptr::null());
            let mut ours = *system;
            ours.szOsFile += size_of::<*mut Watched>() as c_int;
            ours.pNext = std::ptr::null_mut();
            ours.zName = c"under-the-store".as_ptr();
            ours.xOpen = Some(open);
            ours.xSleep = Some(sleep);
            assert_eq!(sqlite3_vfs_register(Box::leak(Box::new(ours)), 1), SQLITE_OK);
            System(system)
        }
    });
}

fn system() -> *mut sqlite3_vfs {
    SYSTEM.get().expect("it is installed before anything is opened").0
}

/// Where our pointer stands in an open file.
///
/// # Safety
/// `file` was opened by [`open`].
unsafe fn slot(file: *mut sqlite3_file) -> *mut *mut Watched {
    // SAFETY: SQLite reserves `szOsFile` bytes, ours are the last of them.
    unsafe { file.cast::<u8>().add((*system()).szOsFile as usize).cast() }
}

/// # Safety
/// `file` is an open file whose methods are ours.
unsafe fn watched<'a>(file: *mut sqlite3_file) -> &'a Watched {
    // SAFETY: `open` put it there, `close` takes it away.
    unsafe { &*slot(file).read_unaligned() }
}

unsafe extern "C" fn open(
    _: *mut sqlite3_vfs,
    path: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: everything is handed on as it came; the file is ours to write to, with room for one pointer
    // more than the system wants, and its methods are set once the system has opened it.
    unsafe {
        let opened = (*system()).xOpen.expect("a VFS opens files")(system(), path, file, flags, out);
        if opened != SQLITE_OK || path.is_null() || flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL) == 0 {
            return opened;
        }
        let path = PathBuf::from(CStr::from_ptr(path).to_string_lossy().into_owned());
        let disk = path.parent().and_then(|folder| disks().lock().unwrap().get(folder).cloned());
        let Some(disk) = disk else { return opened };
        let life = {
            let mut state = disk.state.lock().unwrap();
            let life = state.life;
            *state.open.entry(life).or_default() += 1;
            life
        };
        let system = (*file).pMethods;
        let methods = sqlite3_io_methods {
            xClose: Some(close),
            xWrite: Some(write),
            xTruncate: Some(truncate),
            xShmLock: Some(lock),
            ..*system
        };
        let log = flags & SQLITE_OPEN_WAL != 0;
        let watched = Box::into_raw(Box::new(Watched { disk, life, log, system, methods }));
        slot(file).write_unaligned(watched);
        (*file).pMethods = &raw const (*watched).methods;
        opened
    }
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: nobody uses the file after it is closed, so the pointer is taken back here and only here.
    unsafe {
        let watched = Box::from_raw(slot(file).read_unaligned());
        let closed = (*watched.system).xClose.expect("files are closed")(file);
        *watched.disk.state.lock().unwrap().open.entry(watched.life).or_default() -= 1;
        closed
    }
}

unsafe extern "C" fn write(file: *mut sqlite3_file, from: *const c_void, bytes: c_int, offset: i64) -> c_int {
    // SAFETY: everything is handed on as it came.
    unsafe {
        let watched = watched(file);
        let pass = (*watched.system).xWrite.expect("files are written");
        match watched.disk.write(watched.life, watched.log, offset) {
            Fate::Passes => pass(file, from, bytes, offset),
            Fate::Refused(why) => why,
            Fate::Last(arrives) => {
                if arrives {
                    pass(file, from, bytes, offset);
                }
                watched.disk.dies.notify_one();
                SQLITE_IOERR_WRITE
            }
        }
    }
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: i64) -> c_int {
    // SAFETY: everything is handed on as it came.
    unsafe {
        let watched = watched(file);
        if watched.life < watched.disk.state.lock().unwrap().life {
            return SQLITE_IOERR_WRITE;
        }
        (*watched.system).xTruncate.expect("files are cut")(file, size)
    }
}

unsafe extern "C" fn lock(file: *mut sqlite3_file, offset: c_int, locks: c_int, flags: c_int) -> c_int {
    // SAFETY: everything is handed on as it came.
    unsafe {
        let watched = watched(file);
        let to_write = offset == WRITE_LOCK && flags == SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE;
        if to_write && !watched.disk.take_write_lock() {
            NEED_NOT_WAIT.set(true);
            return SQLITE_BUSY;
        }
        (*watched.system).xShmLock.expect("a file with a log has locks")(file, offset, locks, flags)
    }
}

unsafe extern "C" fn sleep(_: *mut sqlite3_vfs, micros: c_int) -> c_int {
    if NEED_NOT_WAIT.replace(false) {
        return micros;
    }
    // SAFETY: everything is handed on as it came.
    unsafe { (*system()).xSleep.expect("a VFS can wait")(system(), micros) }
}
