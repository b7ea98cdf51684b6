package config_test

import (
	"errors"
	"fmt"
	"strings"

	"datastore/server/config"
)

func ExampleLoad() {
	file := strings.NewReader("maxmemory 1gb\nsave 60 1000\n")
	c, err := config.Load([]string{"-", "--port", "7000", "--appendonly yes"}, file)
	if err != nil {
		fmt.Println(err)
		return
	}
	v := c.Values()
	fmt.Println(v.Port, v.AppendOnly, v.MaxMemoryBytes, v.Save)
	// Output: 7000 true 1073741824 [{60 1000}]
}

func ExampleConfig_Set() {
	c := config.New()
	c.OnChange("port", func(old, new string) error {
		return errors.New("address already in use")
	})
	fmt.Println(c.Set([][2]string{{"hz", "20"}, {"port", "7000"}}, config.Remote))
	fmt.Println(c.Values().Hz, c.Values().Port)
	// Output:
	// ERR CONFIG SET failed (possibly related to argument 'port') - address already in use
	// 10 6379
}
