"""The fake service under the name `fake-second`."""

import os

from fake_service import main

if __name__ == "__main__":
    os.environ["FAKE_NAME"] = "fake-second"
    main()
