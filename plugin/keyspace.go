package plugin

// OpenMode is a set of bits for OpenKey and DMA.
type OpenMode uint32

// Open modes.
const (
	Read  OpenMode = 1 << 0
	Write OpenMode = 1 << 1

	NoTouch       OpenMode = 1 << 16 // the time of the last access stays as it is, for OBJECT IDLETIME and eviction
	NoNotify      OpenMode = 1 << 17 // a missing key causes no keymiss notification
	NoStats       OpenMode = 1 << 18 // keyspace_hits and keyspace_misses stay as they are
	NoExpireDel   OpenMode = 1 << 19 // a key whose time has come is missing but not deleted, unless it is written
	NoEffects     OpenMode = 1 << 20 // the four above
	AccessExpired OpenMode = 1 << 21 // a key whose time has come can be read until it is deleted; not with Write
)

// Keyspace opens keys of the current database.
//
// Rules KEY-1 to KEY-3, KEY-7, KEY-9, DB-1.
type Keyspace interface {
	// OpenKey opens a key. With Read alone a missing key is a nil Key without an error, on which all methods of Key
	// may be called. With Write a missing key is an empty one, which comes into being with the first write. Write
	// alone may read too.
	//
	// Opening a key is an access: it renews the time of the last one, with Read alone it counts as one of keyspace_hits
	// or keyspace_misses, and a key whose time has come is deleted, which replicas receive as a DEL, and missing. The
	// other modes leave some of this out.
	//
	// The key counts as modified for WATCH when a handle with Write is closed, even if nothing was written.
	// Keys still open when the callback returns are closed then.
	//
	// Neither the user's permissions for keys nor the key positions that the command declares matter here: check
	// arguments that name other keys yourself.
	//
	// Errors: ErrInvalid for a mode without Read and Write, with unknown bits, or AccessExpired with Write;
	// ErrTooLarge for a name beyond 512 MB; ErrKeyConflict when a running callback holds the key open and one of the two
	// handles writes; ErrBadValue for a native value that was kept as bytes and that its type refuses to load.
	OpenKey(name String, mode OpenMode) (*Key, error)

	// KeyExists tells whether a key exists, without any effect: it is no access, and deletes no key whose time has come.
	KeyExists(name String) bool

	// SignalModifiedKey makes a key of the current database count as modified for WATCH, whether or not it exists.
	// Closing a key that was open for writing does so anyway.
	SignalModifiedKey(name String)

	// DBSize returns how many keys the current database has; some may have expired and not been deleted yet.
	DBSize() int

	// SelectedDB returns the number of the current database.
	SelectedDB() int

	// SelectDB changes the database, for the rest of this command and for the client after it. Open keys stay in
	// theirs. It fails with ErrInvalid for a number that is out of range.
	SelectDB(n int) error
}
