import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { directDependencies, unpackDebianPackages } from '../debian-packages.ts';
import { addBaseFiles, addBusyboxCommands } from './busybox.ts';
import type { ImageRecipe } from './image-recipe.ts';

/** The files, ports, paths and logs are those of the official image, so that pods written for that run on this one. */
export const nginx: ImageRecipe = {
  name: 'docker.io/library/nginx:latest',
  revision: 1,
  async fill(root, signal) {
    const libraries = (await directDependencies('nginx', signal)).filter((name) => /^(lib|zlib)/.test(name));
    await unpackDebianPackages(['nginx', 'nginx-common', 'busybox-static', ...libraries], root, signal);
    if (!existsSync(join(root, 'usr/sbin/nginx'))) {
      throw new Error('The package nginx brought no /usr/sbin/nginx: Debian has it there from release 12 on.');
    }
    await addBusyboxCommands(root);
    addBaseFiles(root);
    // Not needed by a server, and most of the image's size.
    for (const dir of ['usr/share/doc', 'usr/share/man', 'usr/share/lintian', 'etc/nginx', 'etc/init.d']) {
      rmSync(join(root, dir), { recursive: true, force: true });
    }
    mkdirSync(join(root, 'etc/nginx/conf.d'), { recursive: true });
    writeFileSync(join(root, 'etc/nginx/nginx.conf'), mainConfig);
    writeFileSync(join(root, 'etc/nginx/mime.types'), mimeTypes);
    writeFileSync(join(root, 'etc/nginx/conf.d/default.conf'), defaultSite);
    mkdirSync(join(root, 'var/log/nginx'), { recursive: true });
    mkdirSync(join(root, 'var/lib/nginx'), { recursive: true });
    symlinkSync('/dev/stdout', join(root, 'var/log/nginx/access.log'));
    symlinkSync('/dev/stderr', join(root, 'var/log/nginx/error.log'));
  },
  instructions: [
    'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'EXPOSE 80/tcp',
    'STOPSIGNAL SIGQUIT',
    'CMD ["nginx","-g","daemon off;"]',
  ],
};

const mainConfig = `user nginx;
worker_processes 1;
error_log /var/log/nginx/error.log notice;
pid /run/nginx.pid;
events {
    worker_connections 512;
}
http {
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    log_format main '$remote_addr - $remote_user [$time_local] "$request" '
                    '$status $body_bytes_sent "$http_referer" '
                    '"$http_user_agent" "$http_x_forwarded_for"';
    access_log /var/log/nginx/access.log main;
    sendfile on;
    keepalive_timeout 65;
    include /etc/nginx/conf.d/*.conf;
}
`;

const mimeTypes = `types {
    text/html html htm;
    text/css css;
    text/plain txt;
    application/javascript js;
    application/json json;
    image/png png;
    image/svg+xml svg;
}
`;

const defaultSite = `server {
    listen 80;
    server_name localhost;
    location / {
        root /usr/share/nginx/html;
        index index.html index.htm;
    }
}
`;
