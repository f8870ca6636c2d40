use crate::words::words;

words! {
    /// The security mode a device is set to.
    pub enum DeviceSecurityMode {
        /// As the enterprise parameter Device Security Mode says.
        UseSystemDefault = "use-system-default",
        /// Plain TCP.
        NonSecure = "non-secure",
        /// TLS with authentication, without encryption.
        Authenticated = "authenticated",
        /// TLS with encryption; media is encrypted where the other side can.
        Encrypted = "encrypted",
    }
}

words! {
    /// The security mode that is in force for a device.
    pub enum EffectiveMode {
        /// Plain TCP.
        NonSecure = "non-secure",
        /// TLS with authentication, without encryption.
        Authenticated = "authenticated",
        /// TLS with encryption.
        Encrypted = "encrypted",
    }
}

impl DeviceSecurityMode {
    /// The mode that this one means: `default` is the enterprise parameter Device Security Mode.
    pub(crate) fn configured(self, default: EffectiveMode) -> EffectiveMode {
        match self {
            Self::UseSystemDefault => default,
            Self::NonSecure => EffectiveMode::NonSecure,
            Self::Authenticated => EffectiveMode::Authenticated,
            Self::Encrypted => EffectiveMode::Encrypted,
        }
    }
}

impl EffectiveMode {
    /// The number in `deviceSecurityMode` of a configuration file.
    pub fn number(self) -> u8 {
        match self {
            Self::NonSecure => 1,
            Self::Authenticated => 2,
            Self::Encrypted => 3,
        }
    }
}

words! {
    /// Whether a phone mixes others into its calls by itself.
    pub enum BuiltInBridge {
        /// As the service parameter Built In Bridge Enable says.
        UseSystemDefault = "use-system-default",
        /// It does, if its model can.
        On = "on",
        /// It does not.
        Off = "off",
    }
}
