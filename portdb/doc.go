// Package portdb says which service a port number is registered for, and in
// which IANA range it lies.
//
// The registry has four layers. IANA's is the Service Name and Transport
// Protocol Port Number Registry; the appendix is a document of 431 well-known
// and registered ports with wording of its own; common is what really listens
// on a port although IANA says nothing or something else; local is the
// operator's own services(5) file. The first three are embedded, packed so that
// nothing is built at start. [DB.Entries] says what each of them has, with its
// source; nothing is merged silently. [DB.Lookup] picks the one that labels a
// port.
//
// The embedded table is made by internal/gen; the first lines of table.bin say
// from which files. To refresh it, put IANA's download
// (https://www.iana.org/assignments/service-names-port-numbers/service-names-port-numbers.csv)
// into a folder DIR as DIR/iana/service-names-port-numbers.csv, and run
// "make generate DATA=DIR". The registry's date is then the newest in the file.
// The appendix stays as it is in the table where DIR/appendix is not there.
package portdb

//go:generate go run ./internal/gen -data $DATA -common common.tsv -programs programs.tsv -o table.bin
