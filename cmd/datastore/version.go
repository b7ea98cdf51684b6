package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strconv"

	"github.com/spf13/cobra"

	"datastore/plugin"
	"datastore/server"
)

// release is the version of this daemon.
const release = "0.1.0"

// versionInfo is what "datastore version --json" prints.
type versionInfo struct {
	Version      string            `json:"version"`
	Redis        string            `json:"redis_version"`
	Go           string            `json:"go"`
	Platform     string            `json:"platform"`
	ModuleAPIs   []int             `json:"module_api_versions"`
	Settings     map[string]string `json:"build_settings"`
	Dependencies map[string]string `json:"dependencies"`
}

func readVersion() versionInfo {
	v := versionInfo{
		Version: release, Redis: server.Version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		ModuleAPIs: []int{plugin.APIVer1, plugin.APIVer2}, Settings: map[string]string{}, Dependencies: map[string]string{},
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			v.Settings[s.Key] = s.Value
		}
		for _, d := range info.Deps {
			v.Dependencies[d.Path] = d.Version
		}
	}
	return v
}

func printVersion(w io.Writer, asJSON bool) error {
	v := readVersion()
	if asJSON {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(v)
	}
	// The first words are those that scripts look for in the output of redis-server --version.
	_, err := fmt.Fprintf(w, "Redis server v=%s sha=00000000:0 malloc=slab bits=%s build=datastore-%s %s %s\n",
		v.Redis, strconv.Itoa(strconv.IntSize), v.Version, v.Go, v.Platform)
	return err
}

func newVersionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version and what plugins must be built with",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return printVersion(cmd.OutOrStdout(), asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON with build settings and dependency versions")
	return cmd
}
