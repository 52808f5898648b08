//! The shim's socket: connections that never block the loop.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};

use super::complain;
use super::protocol::{self, Command, Request, Response};

/// Connections at one time; an agent uses two.
const MAX_CLIENTS: usize = 16;

/// A listener and its connections.
pub struct Server {
    listener: UnixListener,
    clients: Vec<Client>,
}

struct Client {
    stream: UnixStream,
    received: Vec<u8>,
    waits: bool,
    closed: bool,
}

impl Server {
    /// Listens at `shim.sock` in the current directory (the run directory: its full path may be longer than a socket's may be).
    pub fn bind() -> io::Result<Self> {
        match std::fs::remove_file(protocol::SOCKET) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(protocol::SOCKET)?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener, clients: Vec::new() })
    }

    /// What to wait for.
    pub fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        std::iter::once(self.listener.as_fd()).chain(self.clients.iter().map(|client| client.stream.as_fd()))
    }

    /// Takes new connections and requests; `answer` gives each request's response, `None` when it is to wait for the end.
    pub fn serve(&mut self, mut answer: impl FnMut(Command) -> Option<Response>) {
        while let Ok((stream, _)) = self.listener.accept() {
            if self.clients.len() < MAX_CLIENTS && may_connect(&stream) && stream.set_nonblocking(true).is_ok() {
                self.clients.push(Client { stream, received: Vec::new(), waits: false, closed: false });
            }
        }
        for client in &mut self.clients {
            client.receive();
            while let Some(request) = client.next_request() {
                if !(1..=protocol::VERSION).contains(&request.version) {
                    client.send(&Response::Error { message: format!("this shim speaks protocol version {}", protocol::VERSION) });
                    continue;
                }
                match answer(request.command) {
                    Some(response) => client.send(&response),
                    None => client.waits = true,
                }
            }
        }
        self.clients.retain(|client| !client.closed);
    }

    /// Tells everyone who waits.
    pub fn announce(&mut self, response: &Response) {
        for client in self.clients.iter_mut().filter(|client| client.waits) {
            client.waits = false;
            client.send(response);
        }
        self.clients.retain(|client| !client.closed);
    }
}

impl Client {
    fn receive(&mut self) {
        let mut chunk = [0u8; 1024];
        while !self.closed && self.received.len() <= protocol::MAX_FRAME {
            match self.stream.read(&mut chunk) {
                Ok(0) => self.closed = true,
                Ok(count) => self.received.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.closed = true,
            }
        }
    }

    fn next_request(&mut self) -> Option<Request> {
        match protocol::decode(&self.received) {
            Ok(Some((request, length))) => {
                self.received.drain(..length);
                Some(request)
            }
            Ok(None) => None,
            Err(error) => {
                complain(format_args!("a connection is closed: {error}"));
                self.received.clear();
                self.closed = true;
                None
            }
        }
    }

    /// Responses are far smaller than a socket's buffer: one that does not fit belongs to a peer that does not read.
    fn send(&mut self, response: &Response) {
        let sent = protocol::encode(response).map_err(io::Error::other).and_then(|frame| self.stream.write_all(&frame));
        self.closed |= sent.is_err();
    }
}

/// Root and the shim's own user; the socket's mode says the same.
fn may_connect(stream: &UnixStream) -> bool {
    getsockopt(stream, PeerCredentials).is_ok_and(|peer| peer.uid() == 0 || peer.uid() == nix::unistd::geteuid().as_raw())
}
