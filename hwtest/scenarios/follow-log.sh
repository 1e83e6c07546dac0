curl --unix-socket .kudurru/log.sock http://log/checkpoint
