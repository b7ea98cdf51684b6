package main

import (
	"fmt"

	"datastore/plugin"
)

// register registers the native type of filters. What is stored is the dump: its header, then its words in chunks.
func (m *module) register(ctx plugin.Types) (err error) {
	m.filters, err = plugin.CreateTypeOf(ctx, typeName, typeVersion, plugin.MethodsOf[filter]{
		Load: load, Save: save, Rewrite: rewrite,
		AllocSize:  (*filter).bytes,
		FreeEffort: func(_ plugin.OptCtx, f *filter) int { return len(f.layers) },
		Copy:       func(_ plugin.OptCtx, f *filter) (*filter, error) { return f.clone(), nil },
		Digest:     digest,
	})
	return err
}

func save(io *plugin.IO, f *filter) {
	io.SaveBytes(f.header())
	for at := int64(0); ; {
		chunk := f.chunk(at, maxChunkBytes)
		if len(chunk) == 0 {
			return
		}
		io.SaveBytes(chunk)
		at += int64(len(chunk))
	}
}

func load(io *plugin.IO, encver int) (*filter, error) {
	if encver != typeVersion {
		return nil, fmt.Errorf("bloom filter of version %d", encver)
	}
	head := io.LoadBytes()
	if err := io.Err(); err != nil {
		return nil, err
	}
	f, err := ofHeader(head)
	if err != nil {
		return nil, err
	}
	for at, size := int64(0), f.dumpBytes(); at < size; {
		chunk := io.LoadBytes()
		if err := io.Err(); err != nil {
			return nil, err
		}
		if err := f.load(at, chunk); err != nil {
			return nil, err
		}
		at += int64(len(chunk))
	}
	return f, nil
}

// rewrite writes the commands that make the filter.
func rewrite(io *plugin.IO, key plugin.String, f *filter) {
	io.EmitAOF("BF.LOADCHUNK", "slb", key, dumpHeaderIter, f.header())
	for at := int64(0); ; {
		chunk := f.chunk(at, bytesPerRewrite)
		if len(chunk) == 0 {
			return
		}
		at += int64(len(chunk))
		io.EmitAOF("BF.LOADCHUNK", "slb", key, at+dumpHeaderIter, chunk)
	}
}

func digest(d *plugin.Digest, f *filter) {
	d.Add(f.header())
	for at := int64(0); ; {
		chunk := f.chunk(at, bytesPerRewrite)
		if len(chunk) == 0 {
			break
		}
		d.Add(chunk)
		at += int64(len(chunk))
	}
	d.EndSequence()
}
