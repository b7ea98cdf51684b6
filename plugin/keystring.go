package plugin

// StringValue is the part of KeyImpl for string values.
type StringValue interface {
	SetString(s String) error
	DMA(write bool) ([]byte, error)
	Truncate(n int) error
}

// SetString makes s the value, whatever the key held before, and takes its time to live away, as SET does.
//
// Errors: ErrNotWritable; ErrIterating while an iteration of the key is running; ErrTooLarge beyond 512 MB.
func (k *Key) SetString(s String) error {
	if k == nil {
		return ErrNotWritable
	}
	return k.Impl.SetString(s)
}

// DMA returns the bytes of a string value without a copy, until the next operation on the key. With Read they must not
// be modified; with Write they may be, within their length: use Truncate to change it. Numbers are read as their digits.
// An empty key gives no bytes.
//
// Errors: ErrInvalid for a mode without either bit; ErrType for other types; ErrNotWritable for Write on a key not
// opened with it.
func (k *Key) DMA(mode OpenMode) ([]byte, error) {
	if mode&(Read|Write) == 0 {
		return nil, ErrInvalid
	}
	if k == nil {
		if mode&Write != 0 {
			return nil, ErrNotWritable
		}
		return nil, nil
	}
	return k.Impl.DMA(mode&Write != 0)
}

// Truncate cuts a string value to n bytes or fills it up with zero bytes. On an empty key it creates a value of n zero
// bytes, unless n is 0. The time to live stays.
//
// Errors: ErrInvalid for a negative n; ErrTooLarge beyond 512 MB; ErrType; ErrNotWritable.
func (k *Key) Truncate(n int) error {
	if k == nil {
		return ErrNotWritable
	}
	if n < 0 {
		return ErrInvalid
	}
	return k.Impl.Truncate(n)
}
