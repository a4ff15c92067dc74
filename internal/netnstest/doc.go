// Package netnstest makes real situations for tests: namespaces of their own,
// processes that hold sockets in them, and ss(8) to say what is there.
//
// The body of a test runs in a process of its own (the test binary again) with a
// fresh network namespace, a fresh pid namespace and a /proc of its own, so that
// nothing of the host is in the way and nothing is left behind: when the body
// ends, the kernel ends everything in it.
//
//	func TestMain(m *testing.M) {
//		netnstest.Start(roles)
//		os.Exit(m.Run())
//	}
//
//	func TestCase1(t *testing.T) {
//		netnstest.In(t, func(t *testing.T) {
//			p := netnstest.Spawn(t, "listen", "tcp,0.0.0.0:80,reuseport")
//			…
//		})
//	}
//
// All but [Until] is for Linux. No shipped package imports it.
package netnstest
