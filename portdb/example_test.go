package portdb_test

import (
	"fmt"
	"strings"

	"github.com/whatslistening/whatslistening/portdb"
)

func Example() {
	e, ok := portdb.Default().Lookup(portdb.TCP, 5432)
	fmt.Println(ok, e.Name, "-", e.Description, "-", e.Source, portdb.RangeOf(5432))
	// Output: true postgresql - PostgreSQL Database - iana registered
}

func ExampleDB_Entries() {
	for _, e := range portdb.Default().Entries(nil, portdb.TCP, 9090) {
		fmt.Println(e.Source, e.Name)
	}
	// Output:
	// iana websm
	// common prometheus
	// common cockpit
}

func ExampleDB_Search() {
	for _, e := range portdb.Default().Search("WWW") {
		fmt.Printf("%d/%v %s %q\n", e.First, e.Transport, e.Name, e.Aliases)
	}
	// Output:
	// 80/tcp www ["http" "www-http"]
	// 80/udp www ["http" "www-http"]
}

func ExampleDB_WithLocal() {
	ours, err := portdb.ParseServices(strings.NewReader("billing 9090/tcp # the ledger\n"), "services")
	if err != nil {
		fmt.Println(err)
		return
	}
	e, _ := portdb.Default().WithLocal(ours).Lookup(portdb.TCP, 9090)
	fmt.Println(e.Name, "-", e.Description, "-", e.Source)
	// Output: billing - the ledger - local
}

func ExampleParseSpec() {
	for _, s := range []string{":443", "udp/53", "8000-8010", "8010-8000", "nginx"} {
		spec, err := portdb.ParseSpec(s)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(spec)
	}
	// Output:
	// 443
	// udp/53
	// 8000-8010
	// "8010-8000": the range is reversed: 8010 is above 8000
	// "nginx": not a port
}
