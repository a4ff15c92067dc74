module github.com/whatslistening/whatslistening

go 1.26
