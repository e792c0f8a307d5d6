"""The embedded staging cluster: real Kubernetes on one Linux machine, without a container engine.
Each node is a set of namespaces; everything that is built comes from package registries and is
cached by the hash of what it is made of. `lifecycle` reads like a table of contents."""
