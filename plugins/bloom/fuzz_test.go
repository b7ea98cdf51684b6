package main

import (
	"testing"

	"datastore/plugin/plugintest"
)

func FuzzCommands(f *testing.F) {
	plugintest.Fuzz(f, OnLoad, plugintest.Options{ReplicaModule: OnLoad})
}
