package host

import (
	"fmt"
	stdplugin "plugin"

	"datastore/plugin"
)

// entry are the symbols of an opened module.
type entry struct {
	onLoad   plugin.OnLoadFunc
	onUnload plugin.OnUnloadFunc // nil when the module has none
}

// openEntry opens a plugin file, which runs the init functions of its packages, and looks its symbols up. It is the
// only place that does so. A failure poisons the path, and the package path of the plugin, for the whole process.
func openEntry(path string) (e entry, err error) {
	defer func() {
		if v := recover(); v != nil {
			e, err = entry{}, fmt.Errorf("init: %w", newPanicError(v))
		}
	}()
	p, err := stdplugin.Open(path)
	if err != nil {
		return entry{}, err
	}
	symbol, err := p.Lookup("OnLoad")
	if err != nil {
		return entry{}, err
	}
	var ok bool
	if e.onLoad, ok = symbol.(plugin.OnLoadFunc); !ok {
		return entry{}, fmt.Errorf("OnLoad is a %T, it must be a %T", symbol, e.onLoad)
	}
	if symbol, err = p.Lookup("OnUnload"); err != nil {
		return e, nil
	}
	if e.onUnload, ok = symbol.(plugin.OnUnloadFunc); !ok {
		return entry{}, fmt.Errorf("OnUnload is a %T, it must be a %T", symbol, e.onUnload)
	}
	return e, nil
}
