"""The command line: `anlan up | doctor | decode | new | simulate | createuser | journal verify | …`."""

import argparse
import getpass
import os
import sys
from pathlib import Path

from anlan.site.config import ConfigError, config
from anlan.site.demo.control import current_folder

from .decode import decode
from .new import new_protocol
from .replay import run as replay


def main(argv: list[str] | None = None) -> int:
    """Parse and run. Returns the exit code; every error is one line that says what to do."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "anlan.site.settings")
    arguments = _parser().parse_args(argv)
    try:
        if arguments.command == "decode":
            return decode(arguments.protocol, sys.stdin, sys.stdout)
        if arguments.command == "new":
            return new_protocol(arguments.name)
        if arguments.command == "replay":
            return replay(arguments.rules, arguments.readings, arguments.out, arguments.places)
        if arguments.command == "up":
            return _up(arguments)
        return _with_django(arguments)
    except ConfigError as error:
        print(f"anlan: {error}", file=sys.stderr)
        return 2
    except (PermissionError, NotADirectoryError, FileExistsError) as error:
        print(f"anlan: 数据目录不能用，{error.filename}：{error.strerror}；换一个：ANLAN_DATA=…", file=sys.stderr)
        return 1
    except BrokenPipeError:
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="anlan", description="安澜：县级安全生产与自然灾害防线")
    commands = parser.add_subparsers(dest="command", required=True, metavar="命令")
    up = commands.add_parser("up", help="启动（网页、网关、工作进程）")
    up.add_argument("--host", help="监听地址，默认只在本机")
    up.add_argument("--port", type=int, help="网页端口，默认 8000，被占用则顺延")
    commands.add_parser("doctor", help="自检：数据目录、端口、数据库、规则包")
    dec = commands.add_parser("decode", help="解报文：每行一条十六进制，或 STREAM<TAB>片段<TAB>片段…")
    dec.add_argument("protocol", help="规约，如 sl651")
    again = commands.add_parser("replay", help="把一个文件的数据过一遍规则：会报哪些警情")
    again.add_argument("--rules", type=Path, required=True, help="规则包文件，或规则包文件夹")
    again.add_argument("--readings", type=Path, required=True, help="CSV 或 Parquet：place,device,metric,time,value")
    again.add_argument("--out", type=Path, required=True, help="写到哪里，每行一个 JSON")
    again.add_argument("--places", type=Path, help="对象的类型和指标，JSON 列表；不给则按设备和对象判")
    stored = commands.add_parser("rejudge", help="把库里一段时间的数据按现在的规则再判一遍，和当时的警情对照；只读")
    stored.add_argument("--from", dest="start", required=True, help="北京时间，如 2026-07-20 08:00")
    stored.add_argument("--to", dest="end", required=True, help="北京时间")
    new = commands.add_parser("new", help="开发：生成一个新规约的文件夹，带能通过的测试")
    new.add_argument("what", choices=["protocol"])
    new.add_argument("name", help="小写字母、数字、下划线")
    sim = commands.add_parser("simulate", help="演示：按站点时钟向网关发真实报文")
    sim.add_argument("--storm", action="store_true", help="现在就开始一场暴雨")
    user = commands.add_parser("createuser", help="建账号")
    user.add_argument("username")
    user.add_argument("--role", required=True)
    user.add_argument("--area", default="", help="区划代码，如 140427")
    user.add_argument("--title", default="")
    user.add_argument("--password", help="不给则在终端输入；也可以从标准输入送来一行")
    journal = commands.add_parser("journal", help="记录")
    journal.add_argument("action", choices=["verify"], help="核对封存链")
    token = commands.add_parser("token", help="推送设备的接入令牌：发放、列出、吊销")
    token.add_argument("action", choices=["issue", "list", "revoke"])
    token.add_argument("token", nargs="?", default="", help="吊销哪个：令牌的开头几位，见 list")
    token.add_argument("--device", action="append", default=[], help="设备地址，可以重复")
    token.add_argument("--place", default="", help="设备还没有登记时，登记到这个对象（编号）")
    commands.add_parser("gateway", help="（由 up 启动）设备网关")
    commands.add_parser("worker", help="（由 up 启动）工作进程")
    commands.add_parser("prepare", help="（由 up 启动）建表；演示站点同时写入演示数据")
    commands.add_parser("migrate", help="建表或升级")
    return parser


def _up(arguments: argparse.Namespace) -> int:
    from anlan.site.supervisor import Supervisor  # noqa: PLC0415  Django must not load for `decode`

    changes = {name: getattr(arguments, name) for name in ("host", "port") if getattr(arguments, name) is not None}
    conf = config().model_copy(update=changes)
    os.environ.update({f"ANLAN_{name.upper()}": str(value) for name, value in changes.items()})
    return Supervisor(conf, conf.data).run()


def _with_django(arguments: argparse.Namespace) -> int:
    _find_demo()
    import django  # noqa: PLC0415

    django.setup()
    from . import site_commands  # noqa: PLC0415  needs the app registry

    return site_commands.run(arguments, _password)


def _find_demo() -> None:
    """A demo site lives in a folder below the data folder; every command but `up` means the current one."""
    conf = config()
    if conf.demo and (folder := current_folder(conf.data)) is not None:
        os.environ["ANLAN_DATA"] = str(folder)
        config.cache_clear()


def _password() -> str:
    """From the terminal, unseen; or a line of standard input where that is no terminal."""
    return getpass.getpass("密码：") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
