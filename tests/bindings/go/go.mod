module example.test/proof

go 1.19
