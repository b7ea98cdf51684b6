package plugin

// OpenMode is a set of bits for OpenKey and DMA.
type OpenMode uint32

// Open modes.
const (
	Read  OpenMode = 1 << 0
	Write OpenMode = 1 << 1
)

// Keyspace opens keys of the current database.
type Keyspace interface {
	// OpenKey opens a key. With Read alone a missing key is a nil Key without an error, on which all methods of Key
	// may be called. With Write a missing key is an empty one, which comes into being with the first write. Write
	// alone may read too.
	//
	// The key counts as modified for WATCH when a handle with Write is closed, even if nothing was written.
	// Keys still open when the callback returns are closed then.
	//
	// Errors: ErrInvalid for a mode without either bit; ErrKeyConflict when this callback holds the key open and one of
	// the two handles writes.
	OpenKey(name String, mode OpenMode) (*Key, error)

	// KeyExists tells whether a key exists, without counting as an access.
	KeyExists(name String) bool

	// DBSize returns how many keys the current database has; some may have expired and not been deleted yet.
	DBSize() int

	// SelectedDB returns the number of the current database.
	SelectedDB() int

	// SelectDB changes the database, for the rest of this command and for the client after it. Open keys stay in
	// theirs. It fails with ErrInvalid for a number that is out of range.
	SelectDB(n int) error
}
